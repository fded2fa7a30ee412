package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"github.com/kafka-prober/kafka_prober/internal/bench"
	"github.com/kafka-prober/kafka_prober/internal/config"
	"github.com/kafka-prober/kafka_prober/internal/kafka"
)

// Exit codes of bench, beside 0, 1 (nothing could be measured) and 2 (arguments that can't be used).
const (
	exitInvalid  = 3 // a run is not to be used
	exitAsserted = 4 // an assertion does not hold
	exitUnseen   = 6 // measured, but a receiver of the live view lacks something; 5 is compare's
)

// exitError is an error with an exit code of its own.
type exitError struct {
	code int
	error
}

// benchFlags are the flags of bench.
type benchFlags struct {
	values  map[string]*string
	options bench.Options
	cluster string
	outputs []string
	quiet   bool
	live    liveFlags
}

// addBench attaches the command and its flags: each parameter is one.
func addBench(app *kingpin.Application) (*kingpin.CmdClause, *benchFlags) {
	f := &benchFlags{values: map[string]*string{}}
	cmd := app.Command("bench", "Measure once how fast the cluster takes records and gives them back, and whether all of them come. "+
		"Flags with several values, separated by commas, make a matrix.")
	cmd.Flag("profile", "Where the other flags begin: "+strings.Join(bench.Profiles, ", ")+".").Default(bench.Profiles[0]).StringVar(&f.options.Profile)
	for _, p := range bench.Params() {
		f.values[p.Name] = cmd.Flag(p.Name, p.Help).PlaceHolder(p.Form).String()
	}
	cmd.Flag("repeat", "Runs of each case, by turns.").Default("1").IntVar(&f.options.Repeat)
	cmd.Flag("topic", "Topic to use: one that exists is used as it is and left. Default: one that is made for each run and deleted after it.").StringVar(&f.options.Topic)
	cmd.Flag("topic-config", "Setting of the topic that is made, as name=value; repeat it for more.").StringsVar(&f.options.TopicConfig)
	cmd.Flag("keep-topic", "Leave the topics that are made.").BoolVar(&f.options.KeepTopic)
	cmd.Flag("assert", "What must hold of each run, for example 'p99<=20ms' or 'records_per_second>=50000'; repeat it for more.").StringsVar(&f.options.Assert)
	cmd.Flag("output", "Form of the report, "+strings.Join(forms, ", ")+", and after an = the file to write it to; repeat it for more.").
		PlaceHolder("FORM[=FILE]").Default("text").StringsVar(&f.outputs)
	cmd.Flag("cluster", "Cluster of the configuration file, if it has several.").StringVar(&f.cluster)
	cmd.Flag("quiet", "Show nothing while it runs.").BoolVar(&f.quiet)
	f.live.add(app, cmd)
	return cmd, f
}

// runBench measures once and reports.
func runBench(o *options, f *benchFlags, log *slog.Logger, stdout, stderr io.Writer) error {
	f.options.Values = map[string]string{}
	for name, value := range f.values {
		if *value != "" {
			f.options.Values[name] = *value
		}
	}
	plan, err := bench.NewPlan(f.options)
	if err != nil {
		return exitError{2, err}
	}
	c, err := o.benchCluster(f.cluster)
	if err != nil {
		return exitError{2, err}
	}
	outputs, err := openOutputs(f.outputs, stdout)
	if err != nil {
		return exitError{2, err}
	}
	ctx, stop := interrupted()
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends at once, without a report
	env := bench.Env{
		Client: newFactory(c, aside(log), kafka.NewTraffic()).Client, Reason: kafka.Reason, Log: aside(log),
	}
	view, err := o.newLiveView(&f.live, c, log)
	if err != nil {
		return exitError{2, err}
	}
	var shown bench.Several
	if view.watched() {
		shown = append(shown, view.series)
	}
	if !f.quiet {
		shown = append(shown, &bench.Progress{W: stderr, Terminal: isTerminal(stderr)})
	}
	env.Live = shown
	if err := pingable(ctx, env); err != nil {
		return err
	}
	if err := view.start(o.web); err != nil {
		return err
	}
	report, err := bench.Execute(ctx, plan, env)
	unseen := view.end()
	for _, o := range outputs {
		if !report.Empty() {
			err = errors.Join(err, o.write(report))
		}
	}
	switch {
	case err != nil:
		return err
	case !report.Valid:
		return exitError{exitInvalid, errors.New("the figures are not to be used: see INVALID in the report")}
	case !report.Passed():
		return exitError{exitAsserted, errors.New("not every assertion holds: see FAIL in the report")}
	case unseen != nil:
		return exitError{exitUnseen, unseen}
	}
	return nil
}

// benchCluster returns the cluster to measure.
func (o *options) benchCluster(name string) (config.Cluster, error) {
	cfg, err := o.loadConfig()
	if err != nil {
		return config.Cluster{}, err
	}
	var names []string
	for _, c := range cfg.Clusters {
		if name == c.Name || name == "" && len(cfg.Clusters) == 1 {
			return c.Ways()[0], nil
		}
		names = append(names, c.Name)
	}
	if name == "" {
		return config.Cluster{}, fmt.Errorf("the configuration has several clusters: choose one with --cluster (%s)", strings.Join(names, ", "))
	}
	return config.Cluster{}, fmt.Errorf("--cluster %q: the configuration has %s", name, strings.Join(names, ", "))
}

// pingable fails early, with the cause, where no broker can be reached.
func pingable(ctx context.Context, env bench.Env) error {
	client, err := env.Client("admin")
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	if err := client.Ping(ctx); err != nil {
		return fmt.Errorf("no broker can be reached: %s (%w)", advice(err), err)
	}
	return nil
}

// forms are the forms of a report.
var forms = []string{"text", "json", "html", "omb"}

// output is a form of the report and where it goes.
type output struct {
	form string
	to   io.Writer
	file *os.File // nil for standard output
}

// openOutputs opens the files of all outputs: a name that can't be used shows before the run, not after. What a
// file holds stays there until there is a report.
func openOutputs(asked []string, stdout io.Writer) ([]output, error) {
	var all []output
	for _, text := range asked {
		form, name, toFile := strings.Cut(text, "=")
		if !slices.Contains(forms, form) {
			return nil, fmt.Errorf("--output %q: the form must be one of %s, with a file as in json=report.json", text, strings.Join(forms, ", "))
		}
		o := output{form: form, to: stdout}
		if toFile {
			file, err := os.OpenFile(filepath.Clean(name), os.O_CREATE|os.O_WRONLY, 0o666)
			if err != nil {
				return nil, fmt.Errorf("--output %q: %w", text, err)
			}
			o.to, o.file = file, file
		} else if slices.ContainsFunc(all, func(o output) bool { return o.file == nil }) {
			return nil, fmt.Errorf("--output %q: another form goes to standard output already: give one of the two a file", text)
		}
		all = append(all, o)
	}
	return all, nil
}

// write writes a report and closes the file.
func (o output) write(r *bench.Report) (err error) {
	if o.file != nil {
		if info, err := o.file.Stat(); err == nil && info.Mode().IsRegular() {
			if err := o.file.Truncate(0); err != nil {
				return err
			}
		}
	}
	switch o.form {
	case "json":
		enc := json.NewEncoder(o.to)
		enc.SetIndent("", "  ")
		err = enc.Encode(r)
	case "html":
		err = r.WriteHTML(o.to)
	case "omb":
		err = r.WriteOMB(o.to)
	default:
		err = r.WriteText(o.to)
	}
	if o.file != nil {
		err = errors.Join(err, o.file.Close())
	}
	return err
}

// isTerminal reports whether somebody looks at w.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
