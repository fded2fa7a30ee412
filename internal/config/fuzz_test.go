package config

import (
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/kafka-prober/kafka_prober/internal/kind"
)

// fuzzed has a setting of every form; unlike the kinds of the other tests it may
// be read from inside the package, where secrets can be written.
type fuzzed struct {
	Duration kind.Duration            `yaml:"duration"`
	Size     kind.Bytes               `yaml:"size"`
	Text     string                   `yaml:"text"`
	Secret   kind.Secret              `yaml:"secret"`
	Flag     bool                     `yaml:"flag"`
	Int      int32                    `yaml:"int"`
	Uint     uint64                   `yaml:"uint"`
	Float    float64                  `yaml:"float"`
	List     []string                 `yaml:"list"`
	Map      map[string]kind.Duration `yaml:"map"`
	Nested   *fuzzedNested            `yaml:"nested"`
}

type fuzzedNested struct {
	Float float32 `yaml:"float"`
	Enum  string  `yaml:"enum" enum:"a|b"`
}

func (*fuzzed) Validate() error { return nil }

// FuzzParse: no input makes the parser panic, and what it accepts is written back
// as YAML that means the same.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yml")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	kinds := Kinds{Probes: new(kind.Registry), Collectors: new(kind.Registry)}
	for _, registry := range []*kind.Registry{kinds.Probes, kinds.Collectors} {
		registry.Register(kind.Kind{Name: "on", Help: "on", Default: true, New: func() kind.Settings {
			return &fuzzed{Text: "default", Uint: math.MaxUint64, Float: 0.1, Nested: &fuzzedNested{Enum: "a"}}
		}})
		registry.Register(kind.Kind{Name: "off", Help: "off", New: func() kind.Settings { return new(fuzzed) }})
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("fuzz", data, kinds)
		if err != nil {
			return
		}
		text := render(c.encode(revealed))
		again, err := Parse("again", []byte(text), kinds)
		if err != nil {
			t.Fatalf("what was written is refused: %v\n%s", err, text)
		}
		if !reflect.DeepEqual(c, again) {
			t.Fatalf("what was written reads back as another configuration:\n%s\n%s", text, render(again.encode(revealed)))
		}
		for i := range c.Clusters {
			if c.Clusters[i].Fingerprint() != again.Clusters[i].Fingerprint() {
				t.Fatal("an equal cluster has another fingerprint")
			}
		}
	})
}
