package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/kafka-prober/kafka_prober/internal/bench"
	"github.com/kafka-prober/kafka_prober/internal/kafka"
	"github.com/kafka-prober/kafka_prober/internal/properties"
)

// perfFlags are the flags of Kafka's own performance tools, of before and after KIP-1147.
type perfFlags struct {
	servers    string
	topic      string
	records    string
	throughput string
	size       string
	payload    string
	timeout    string
	window     string
	monotonic  bool
	latest     bool
	files      []string // of properties
	props      []string // key=value
	hideHeader bool
	ignored    []string // flags that change nothing here
	refused    map[string]*string
}

// severalValues are flags that take all the words behind them, as Kafka's tools have it.
var severalValues = []string{"--producer-props", "--command-property"}

// spread gives each of several values behind one flag a flag of its own, and joins a negative number to
// its flag: both are written apart for Kafka's tools.
func spread(args []string) (out []string) {
	flag := ""
	for i, arg := range args {
		switch {
		case len(arg) > 1 && arg[0] == '-' && arg[1] >= '0' && arg[1] <= '9' && len(out) > 0 && strings.HasPrefix(args[i-1], "--"):
			out[len(out)-1] += "=" + arg
			continue
		case slices.Contains(severalValues, arg):
			flag = arg
			continue
		case strings.HasPrefix(arg, "-") || !strings.Contains(arg, "="):
			flag = ""
		case flag != "":
			arg = flag + "=" + arg
		}
		out = append(out, arg)
	}
	return out
}

// addProducerPerfTest attaches the stand-in for kafka-producer-perf-test.
func addProducerPerfTest(app *kingpin.Application) (*kingpin.CmdClause, *perfFlags) {
	f := &perfFlags{refused: map[string]*string{}}
	cmd := app.Command("producer-perf-test", "Takes the flags of kafka-producer-perf-test and prints its lines.")
	cmd.Flag("topic", "Topic to produce to; made if it is not there.").Required().StringVar(&f.topic)
	cmd.Flag("num-records", "Records to send.").Required().StringVar(&f.records)
	cmd.Flag("throughput", "Records per second; -1 is as many as it takes.").Default("-1").StringVar(&f.throughput)
	cmd.Flag("record-size", "Size of a record, 72 bytes at least.").StringVar(&f.size)
	cmd.Flag("payload-file", "File that the records are filled from; without --record-size they are as long as its lines on the average.").StringVar(&f.payload)
	cmd.Flag("reporting-interval", "Milliseconds between two lines.").Default("5000").StringVar(&f.window)
	cmd.Flag("payload-monotonic", "Refused: payloads are verifiable records.").Hidden().BoolVar(&f.monotonic)
	f.common(cmd, "producer-props", "producer.config")
	for name, instead := range map[string]string{
		"warmup-records":          "kafka_prober bench --warmup takes a time",
		"transactional-id":        "transactions are not measured",
		"transaction-duration-ms": "transactions are not measured",
		"payload-delimiter":       "records are filled from the file as it is",
	} {
		f.refused[name+": "+instead] = cmd.Flag(name, "Refused: "+instead+".").Hidden().String()
	}
	return cmd, f
}

// addConsumerPerfTest attaches the stand-in for kafka-consumer-perf-test.
func addConsumerPerfTest(app *kingpin.Application) (*kingpin.CmdClause, *perfFlags) {
	f := &perfFlags{refused: map[string]*string{}}
	cmd := app.Command("consumer-perf-test", "Takes the flags of kafka-consumer-perf-test and prints its lines; verifies probe records.")
	cmd.Flag("topic", "Topic to read from its start.").Required().StringVar(&f.topic)
	cmd.Flag("messages", "Records to read.").StringVar(&f.records)
	cmd.Flag("num-records", "Records to read.").StringVar(&f.records)
	cmd.Flag("timeout", "Milliseconds without a record after which no more are waited for.").Default("10000").StringVar(&f.timeout)
	cmd.Flag("hide-header", "Print no header.").BoolVar(&f.hideHeader)
	f.common(cmd, "consumer-props", "consumer.config")
	for _, name := range []string{"group", "fetch-size", "reporting-interval", "socket-buffer-size", "threads", "num-fetch-threads", "date-format"} {
		cmd.Flag(name, "Taken, and changes nothing here.").Hidden().StringsVar(&f.ignored)
	}
	cmd.Flag("show-detailed-stats", "Taken, and changes nothing here.").Hidden().Bool()
	f.refused["include: one topic is read; name it with --topic"] = cmd.Flag("include", "Refused.").Hidden().String()
	cmd.Flag("from-latest", "Refused: the topic is read from its start.").Hidden().BoolVar(&f.latest)
	return cmd, f
}

// common attaches what both have. A hidden flag is an older name, or one that changes nothing.
func (f *perfFlags) common(cmd *kingpin.CmdClause, props, file string) {
	cmd.Flag("bootstrap-server", "host:port of some brokers.").StringVar(&f.servers)
	cmd.Flag("broker-list", "Older name of --bootstrap-server.").Hidden().StringVar(&f.servers)
	cmd.Flag("command-property", "Properties of the client, as key=value.").StringsVar(&f.props)
	cmd.Flag(props, "Older name of --command-property.").StringsVar(&f.props)
	cmd.Flag("command-config", "File of properties of the client.").StringsVar(&f.files)
	cmd.Flag(file, "Older name of --command-config.").StringsVar(&f.files)
	cmd.Flag("print-metrics", "Taken, and changes nothing here.").Hidden().Bool()
}

// client reads the properties: the file's, then those of the command line, then the servers.
func (f *perfFlags) client() (*properties.Client, error) {
	for why, value := range f.refused {
		if *value != "" && (*value != "0" || !strings.HasPrefix(why, "warmup-records")) { // 0 of them is Kafka's default
			return nil, fmt.Errorf("--%s", why)
		}
	}
	switch {
	case f.monotonic:
		return nil, errors.New("--payload-monotonic: a record's payload is what makes it verifiable")
	case f.latest:
		return nil, errors.New("--from-latest: a topic is read from its start; produce first, or to a topic of its own")
	}
	if len(f.files) > 1 {
		return nil, fmt.Errorf("--command-config %s and %s: only one file of properties can be read", f.files[0], f.files[1])
	}
	var more []properties.Entry
	for _, prop := range f.props {
		key, value, found := strings.Cut(prop, "=")
		if !found {
			return nil, fmt.Errorf("--command-property %q: write it as key=value", prop)
		}
		more = append(more, properties.Entry{Source: "--command-property", Key: key, Value: value})
	}
	if f.servers != "" {
		more = append(more, properties.Entry{Source: "--bootstrap-server", Key: "bootstrap.servers", Value: f.servers})
	}
	if len(f.files) == 0 && len(more) == 0 {
		return nil, errors.New("no cluster: give --bootstrap-server, or bootstrap.servers among the properties")
	}
	return properties.Load(strings.Join(f.files, ""), more...)
}

// perfParams are the properties that a parameter of bench stands for.
var perfParams = map[string]string{
	"acks": "acks", "compression.type": "compression", "linger.ms": "linger", "batch.size": "batch-size", "buffer.memory": "buffer-memory",
	"enable.idempotence": "idempotent", "max.in.flight.requests.per.connection": "in-flight", "delivery.timeout.ms": "timeout",
	"fetch.min.bytes": "fetch-min-bytes",
}

// values turns properties into bench's, and returns those that it does not know.
func values(rest []properties.Entry) (known map[string]string, unknown []string) {
	known = map[string]string{}
	for _, e := range rest {
		name, found := perfParams[e.Key]
		if !found {
			unknown = append(unknown, e.Key)
			continue
		}
		value := e.Value
		if strings.HasSuffix(e.Key, ".ms") {
			value += "ms"
		}
		known[name] = value
	}
	if known["acks"] == "all" || known["acks"] == "-1" || known["acks"] == "" {
		if known["idempotent"] != "false" { // then Kafka's client has up to five as well
			delete(known, "in-flight")
		}
	}
	return known, unknown
}

// plan turns properties and flags into what bench runs. Its errors name what the caller wrote.
func (f *perfFlags) plan(produce bool, given map[string]string) (*bench.Plan, error) {
	written := map[string]string{}
	for property, param := range perfParams {
		written[param] = property
	}
	take := func(param, flag, value string) {
		if value != "" {
			given[param], written[param] = value, flag
		}
	}
	take("records", "--num-records", f.records)
	given["warmup"] = "0s"
	if produce {
		given["producers"], given["consumers"] = "1", "0"
		if rate, err := strconv.ParseFloat(f.throughput, 64); err != nil || rate >= 0 {
			take("rate", "--throughput", f.throughput)
		}
		if f.payload != "" {
			take("payload", "--payload-file", "file:"+f.payload)
			given["size"] = strconv.Itoa(lineLength(f.payload))
		}
		take("size", "--record-size", f.size)
	} else {
		given["producers"], given["consumers"] = "0", "1"
		take("timeout", "--timeout", f.timeout+"ms")
	}
	plan, err := bench.NewPlan(bench.Options{Values: given, Repeat: 1, Topic: f.topic, KeepTopic: true})
	if err != nil {
		return nil, errors.New(benchFlag.ReplaceAllStringFunc(err.Error(), func(flag string) string {
			return cmp.Or(written[flag[len("--"):]], flag)
		}))
	}
	return plan, nil
}

var benchFlag = regexp.MustCompile(`--[a-z-]+\b`)

// lineLength returns how long the lines of a file are on the average, as far as a record can be that.
func lineLength(file string) int {
	contents, _ := os.ReadFile(filepath.Clean(file)) // an error is told where the payload is read
	contents = bytes.TrimRight(contents, "\n")
	breaks := bytes.Count(contents, []byte("\n"))
	return max(bench.LeastSize, (len(contents)-breaks)/(breaks+1))
}

// runPerfTest runs one of the two.
func runPerfTest(f *perfFlags, produce bool, log *slog.Logger, stdout, stderr io.Writer) error {
	client, err := f.client()
	if err != nil {
		return exitError{2, err}
	}
	given, unknown := values(client.Rest)
	for _, e := range client.Unused {
		unknown = append(unknown, e.Key)
	}
	if len(unknown) > 0 {
		fmt.Fprintf(stderr, "kafka_prober: these properties change nothing here: %s\n", strings.Join(unknown, ", "))
	}
	for flag, text := range map[string]string{"--reporting-interval": f.window, "--timeout": f.timeout} {
		if n, err := strconv.Atoi(cmp.Or(text, "1")); err != nil || n < 1 {
			return exitError{2, fmt.Errorf("%s %q: must be milliseconds, 1 at least", flag, text)}
		}
	}
	plan, err := f.plan(produce, given)
	if err != nil {
		return exitError{2, err}
	}
	ctx, stop := interrupted()
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends at once
	env := bench.Env{Client: newFactory(client.Cluster, aside(log), kafka.NewTraffic()).Client, Reason: kafka.Reason, Log: aside(log)}
	if produce {
		window, _ := time.ParseDuration(f.window + "ms") // checked
		env.Live = &bench.PerfWindows{W: stdout, Window: window}
	}
	if err := pingable(ctx, env); err != nil {
		return err
	}
	report, err := bench.Execute(ctx, plan, env)
	if err != nil {
		return err
	}
	for i := range report.Cases[0].Runs {
		run := &report.Cases[0].Runs[i]
		if produce {
			fmt.Fprintln(stdout, run.PerfLine())
		} else {
			run.WriteConsumerPerf(stdout, !f.hideHeader)
		}
		for _, note := range run.Warnings {
			fmt.Fprintf(stderr, "kafka_prober: %s\n", note)
		}
		for _, why := range run.Invalid {
			fmt.Fprintf(stderr, "kafka_prober: not to be used: %s\n", why)
		}
	}
	if !report.Valid {
		return exitError{exitInvalid, errors.New("the figures are not to be used")}
	}
	return nil
}
