package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// licences are words that stand in a licence and in no other of these.
var licences = map[string]string{
	"MIT":          "Permission is hereby granted, free of charge",
	"Apache-2.0":   "Apache License",
	"BSD-3-Clause": "Redistribution and use in source and binary forms",
}

// TestDependencies compares docs/dependencies.md with go.mod and tools/go.mod.
func TestDependencies(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	modules, tools, _ := strings.Cut(string(text), "## Tools")
	listed := map[string][]string{}
	for _, row := range tableRows(modules, 4) {
		listed[row[0]] = row
	}
	linked := strings.Fields(goTool(t, "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", "."))

	var direct []string
	for _, r := range goMod(t, ".").Require {
		if !r.Indirect {
			direct = append(direct, r.Path)
		}
	}
	for _, path := range direct {
		row := listed[path]
		delete(listed, path)
		if row == nil {
			t.Errorf("%s is in go.mod and not in docs/dependencies.md: say there what it is for", path)
			continue
		}
		in := "tests"
		if slices.Contains(linked, path) {
			in = "binary"
		}
		if row[1] != in || row[2] == "" {
			t.Errorf("docs/dependencies.md has %s in %q for %q, want in %q", path, row[1], row[2], in)
		}
		checkLicence(t, path, row[3])
	}
	for path := range listed {
		t.Errorf("%s is in docs/dependencies.md and not, directly, in go.mod: take it out", path)
	}

	var want, got []string
	for _, tool := range goMod(t, "tools").Tool {
		want = append(want, tool.Path)
	}
	for _, row := range tableRows(tools, 2) {
		got = append(got, row[0])
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("docs/dependencies.md has the tools\n%s\nwant those of tools/go.mod\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// tableRows returns the rows of a Markdown table with so many columns, without its head.
func tableRows(text string, columns int) (rows [][]string) {
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if strings.HasPrefix(line, "|") && len(cells) == columns && !strings.HasPrefix(cells[0], "---") {
			rows = append(rows, cells)
		}
	}
	if len(rows) > 0 {
		rows = rows[1:]
	}
	return rows
}

// checkLicence compares the licences that a row names with what lies in the module.
func checkLicence(t *testing.T, path, names string) {
	t.Helper()
	dir := strings.TrimSpace(goTool(t, "list", "-m", "-f", "{{.Dir}}", path))
	files, err := filepath.Glob(filepath.Join(dir, "[LC][IO][CP][EY][NI]*")) // LICENSE, LICENCE, COPYING
	if err != nil || len(files) == 0 {
		t.Errorf("%s has no licence: %v", path, err)
		return
	}
	var text []byte
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, content...)
	}
	plain := regexp.MustCompile(`\s+`).ReplaceAllString(string(text), " ")
	named := strings.Split(names, ", ")
	for name, words := range licences {
		if slices.Contains(named, name) != strings.Contains(plain, words) {
			t.Errorf("docs/dependencies.md has %q as licence of %s; its licence has %s: %v", names, path, name, strings.Contains(plain, words))
		}
	}
}

// modFile is what go mod edit -json says.
type modFile struct {
	Require []struct {
		Path     string
		Indirect bool
	}
	Tool []struct{ Path string }
}

func goMod(t *testing.T, dir string) (m modFile) {
	t.Helper()
	if err := json.Unmarshal([]byte(goTool(t, "-C", dir, "mod", "edit", "-json")), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// goTool returns what a go command prints.
func goTool(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Stderr = t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v", strings.Join(args, " "), err)
	}
	return string(out)
}
