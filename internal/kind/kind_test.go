package kind_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/kafka-prober/kafka_prober/internal/kind"
)

type settings struct{}

func (*settings) Validate() error { return nil }

func newSettings() kind.Settings { return new(settings) }

func TestRegistry(t *testing.T) {
	var registry kind.Registry
	registry.Register(kind.Kind{Name: "steady", Help: "help", Default: true, New: newSettings})
	registry.Register(kind.Kind{Name: "burst", Help: "help", New: newSettings})

	if want := []string{"burst", "steady"}; !slices.Equal(registry.Names(), want) {
		t.Errorf("names are %v, want %v", registry.Names(), want)
	}
	if all := registry.All(); len(all) != 2 || all[0].Name != "burst" || all[1].Name != "steady" {
		t.Errorf("all kinds are %v", all)
	}
	if k, ok := registry.Get("steady"); !ok || !k.Default {
		t.Errorf("steady is %v, %v", k, ok)
	}
	if _, ok := registry.Get("flush"); ok {
		t.Error("a kind that nobody registered was found")
	}
}

func TestNoRegistryIsAnEmptyOne(t *testing.T) {
	var registry *kind.Registry
	if _, ok := registry.Get("steady"); ok || len(registry.All()) != 0 || len(registry.Names()) != 0 {
		t.Error("a nil registry is not empty")
	}
}

func TestRegisterPanics(t *testing.T) {
	for _, test := range []struct {
		kind kind.Kind
		want string
	}{
		{kind.Kind{Name: "", Help: "h", New: newSettings}, `kind: register "": a name is lower-case letters, digits, - and _`},
		{kind.Kind{Name: "Steady", Help: "h", New: newSettings}, `kind: register "Steady": a name is lower-case letters, digits, - and _`},
		{kind.Kind{Name: "a b", Help: "h", New: newSettings}, `kind: register "a b": a name is lower-case letters, digits, - and _`},
		{kind.Kind{Name: "flush", New: newSettings}, `kind: register "flush": no help`},
		{kind.Kind{Name: "flush", Help: "h"}, `kind: register "flush": no constructor`},
		{kind.Kind{Name: "steady", Help: "h", New: newSettings}, `kind: register "steady": registered twice`},
	} {
		func() {
			var registry kind.Registry
			registry.Register(kind.Kind{Name: "steady", Help: "h", New: newSettings})
			defer func() {
				if got := fmt.Sprint(recover()); got != test.want {
					t.Errorf("panic %q, want %q", got, test.want)
				}
			}()
			registry.Register(test.kind)
		}()
	}
}

func TestNest(t *testing.T) {
	err := kind.Nest("slo", errors.Join(
		kind.Errorf("objective", "must be below 1, is %v", 1.5),
		errors.Join(errors.New("says nothing")),
	))
	want := "slo.objective: must be below 1, is 1.5\nslo: says nothing"
	if message(err) != want {
		t.Errorf("got %q, want %q", message(err), want)
	}
	if kind.Nest("slo", nil) != nil {
		t.Error("nesting no error gave one")
	}
}

func TestRight(t *testing.T) {
	r := kind.Right{Operation: "Write", ResourceType: "Topic", ResourceName: "kafka-prober-steady-internal"}
	if want := "Write on Topic kafka-prober-steady-internal"; r.String() != want {
		t.Errorf("got %q, want %q", r, want)
	}
}
