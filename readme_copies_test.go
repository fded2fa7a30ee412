package main

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestReadmeCopies: Helm sees only what is inside a chart, so the rules and dashboards that it installs
// are copies. UPDATE_GOLDEN=1 makes them anew.
func TestReadmeCopies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ from, to string }{
		{"alerts/*.yml", "deploy/helm/kafka-prober/files/alerts"},
		{"dashboards/*.json", "deploy/helm/kafka-prober/files/dashboards"},
	} {
		want, got := contents(t, c.from), contents(t, filepath.Join(c.to, "*"))
		if maps.EqualFunc(want, got, bytes.Equal) {
			continue
		}
		if !updateGolden {
			t.Errorf("%s is no copy of %s: it has %v, there are %v; UPDATE_GOLDEN=1 go test -run TestReadme . copies them",
				c.to, c.from, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
			continue
		}
		for name := range got {
			if err := os.Remove(filepath.Join(c.to, name)); err != nil {
				t.Fatal(err)
			}
		}
		for name, content := range want {
			if err := os.MkdirAll(c.to, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(c.to, name), content, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// contents returns the files that match a pattern, by their names.
func contents(t *testing.T, pattern string) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(path)] = content
	}
	return files
}
