package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/alecthomas/kingpin/v2"

	"github.com/kafka-prober/kafka_prober/internal/bench"
)

// exitWorse is the exit code of a comparison that found a figure to be worse.
const exitWorse = 5

// compareFlags are the flags of compare.
type compareFlags struct {
	files  []string
	output string
}

// addCompare attaches the command and its flags.
func addCompare(app *kingpin.Application) (*kingpin.CmdClause, *compareFlags) {
	f := new(compareFlags)
	cmd := app.Command("compare", "Compare JSON reports of bench with the first of them: what is better, worse or the same within noise. "+
		"Takes five valid runs of a case on each side (bench --repeat=5).")
	cmd.Flag("output", "Form: text or json.").Default("text").EnumVar(&f.output, "text", "json")
	cmd.Arg("reports", "The base and what to compare with it.").Required().StringsVar(&f.files)
	return cmd, f
}

// runCompare compares reports. Its error says whether anything is worse.
func runCompare(f *compareFlags, out io.Writer) error {
	if len(f.files) < 2 {
		return exitError{2, fmt.Errorf("compare needs two reports at least: the base, and what to compare with it; %q is one", f.files[0])}
	}
	var reports []*bench.Report
	for _, name := range f.files {
		r, err := readReport(name)
		if err != nil {
			return exitError{2, err}
		}
		reports = append(reports, r)
	}
	worse := false
	comparisons := map[string][]bench.Difference{}
	for i, other := range reports[1:] {
		name := f.files[i+1]
		all, err := bench.Compare(reports[0], other)
		for _, d := range all {
			worse = worse || d.Verdict == bench.Worse
		}
		if err != nil && !worse {
			return exitError{2, fmt.Errorf("%s and %s: %w", f.files[0], name, err)}
		}
		comparisons[name] = all
		if f.output == "text" {
			if err := bench.WriteDifferences(out, f.files[0], name, all); err != nil {
				return err
			}
		}
	}
	if f.output == "json" {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		if err := enc.Encode(comparisons); err != nil {
			return err
		}
	}
	if worse {
		return exitError{exitWorse, errors.New("something is worse than in " + f.files[0])}
	}
	return nil
}

func readReport(name string) (*bench.Report, error) {
	file, err := os.Open(filepath.Clean(name))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return bench.ReadReport(file, name)
}
