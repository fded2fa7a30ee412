package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// updateGolden tells that files are to be written rather than compared: UPDATE_GOLDEN=1 go test .
var updateGolden = os.Getenv("UPDATE_GOLDEN") != ""

// checkGolden compares text with a file of testdata.
func checkGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if updateGolden {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; if that is meant, UPDATE_GOLDEN=1 go test . writes it\n%s", path, firstDifference(got, string(want)))
	}
}

// firstDifference shows where two texts part.
func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(g), len(w)) {
		if line(g, i) != line(w, i) {
			return fmt.Sprintf("line %d\n got  %s\n want %s", i+1, line(g, i), line(w, i))
		}
	}
	return "no difference"
}

func line(lines []string, i int) string {
	if i >= len(lines) {
		return "(the end)"
	}
	return lines[i]
}
