// Command kafka_prober tells a Kafka operator, per broker, what a client of the cluster experiences
// right now. Package main is the front door: it turns flags into a configuration, wires the active half
// (prober) and the passive half (collector) to one registry, and serves it. Nothing else sees both halves.
package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/version"
	toolkit "github.com/prometheus/exporter-toolkit/web"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"

	"github.com/kafka-prober/kafka_prober/collector"
	"github.com/kafka-prober/kafka_prober/internal/config"
	"github.com/kafka-prober/kafka_prober/internal/logging"
	"github.com/kafka-prober/kafka_prober/internal/properties"
	"github.com/kafka-prober/kafka_prober/prober"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// kinds are what the configuration may ask for.
var kinds = config.Kinds{Probes: prober.Kinds, Collectors: &collector.Kinds}

// options are the flags of all commands.
type options struct {
	configFile string
	servers    []string
	properties string

	web          *toolkit.FlagConfig
	metricsPath  string
	lifecycle    bool
	pprof        bool
	logLevel     string
	logFormat    string
	demoFor      time.Duration
	demoCalm     bool
	configOnly   bool
	printTopics  string
	checkBrokers int
	yes          bool
	healthURL    string
}

// run is the program: parse, then the command. It returns the exit code: 0 for success, 1 for a failure
// of the command, 2 for arguments that can't be used.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	app := kingpin.New("kafka_prober", "Measures what a client of a Kafka cluster experiences, per broker, and exports it to Prometheus.")
	app.UsageWriter(stdout).ErrorWriter(stderr)
	app.Version(version.Print("kafka_prober"))
	app.HelpFlag.Short('h')
	ended := -1
	app.Terminate(func(code int) { // --help and --version: kingpin has printed, and parsing goes on
		if ended < 0 {
			ended = code
		}
	})
	o := flags(app)
	serve := app.Command("serve", "Probe the configured clusters and serve /metrics.").Default()
	demo := app.Command("demo", "Probe an embedded cluster of three brokers: a first look that needs no Kafka.")
	demo.Flag("for", "End after this time; 0 runs until interrupted.").Default("0s").DurationVar(&o.demoFor)
	demo.Flag("calm", "Leave out the broker that is slow once a minute.").BoolVar(&o.demoCalm)
	check := app.Command("check", "Say what the daemon would do, what it lacks and what it can't reach. Writes nothing to the cluster.")
	check.Flag("config-only", "Read the configuration and connect to nothing.").BoolVar(&o.configOnly)
	check.Flag("properties", "Take the way in from a Java client's properties (sasl.jaas.config, PEM stores), in place of a configuration file.").
		PlaceHolder("FILE").StringVar(&o.properties)
	check.Flag("print-topics", "Print how to create the probes' topics by hand: kafka-topics, strimzi or terraform.").
		PlaceHolder("FORM").EnumVar(&o.printTopics, "kafka-topics", "strimzi", "terraform")
	check.Flag("brokers", "Number of brokers to print topics for; asked of the cluster if not given.").IntVar(&o.checkBrokers)
	cleanup := app.Command("cleanup", "Delete the topics that the probes made, after asking.")
	cleanup.Flag("yes", "Do not ask.").BoolVar(&o.yes)
	health := app.Command("healthcheck", "Ask a running kafka_prober whether it is healthy: for images, which have no shell. Says nothing of Kafka.")
	health.Flag("url", "What to ask; with https any certificate will do.").Default("http://127.0.0.1:10092/-/healthy").StringVar(&o.healthURL)

	benchCmd, benchOpts := addBench(app)
	compareCmd, compareOpts := addCompare(app)
	producerPerf, producerPerfOpts := addProducerPerfTest(app)
	consumerPerf, consumerPerfOpts := addConsumerPerfTest(app)

	command, err := app.Parse(spread(args))
	if ended >= 0 {
		return ended
	}
	if err != nil {
		fmt.Fprintf(stderr, "kafka_prober: %v; try --help\n", err)
		return 2
	}
	log, _, err := logging.New(o.logLevel, o.logFormat, stderr)
	if err != nil {
		fmt.Fprintf(stderr, "kafka_prober: %v\n", err)
		return 2
	}
	switch command {
	case demo.FullCommand():
		err = runDemo(o, log, stdout)
	case check.FullCommand():
		err = runCheck(o, log, stdout)
	case cleanup.FullCommand():
		err = runCleanup(o, log, stdin, stdout)
	case health.FullCommand():
		err = runHealthcheck(o.healthURL, stdout)
	case benchCmd.FullCommand():
		err = runBench(o, benchOpts, log, stdout, stderr)
	case compareCmd.FullCommand():
		err = runCompare(compareOpts, stdout)
	case producerPerf.FullCommand():
		err = runPerfTest(producerPerfOpts, true, log, stdout, stderr)
	case consumerPerf.FullCommand():
		err = runPerfTest(consumerPerfOpts, false, log, stdout, stderr)
	case serve.FullCommand():
		err = runServe(o, log)
	}
	if err != nil {
		fmt.Fprintf(stderr, "kafka_prober: %v\n", err)
		if e, ok := errors.AsType[exitError](err); ok {
			return e.code
		}
		return 1
	}
	return 0
}

// flags attaches the flags that all commands share.
func flags(app *kingpin.Application) *options {
	o := new(options)
	app.Flag("config.file", "Configuration file (YAML).").PlaceHolder("FILE").StringVar(&o.configFile)
	app.Flag("kafka.bootstrap-servers", "host:port of some brokers, for a first look without a configuration file; comma-separated or repeated.").
		PlaceHolder("HOST:PORT").StringsVar(&o.servers)
	o.web = kingpinflag.AddFlags(app, ":10092")
	app.Flag("web.telemetry-path", "Path of the metrics.").Default("/metrics").StringVar(&o.metricsPath)
	app.Flag("web.enable-lifecycle", "Let POST /-/reload read the configuration again.").BoolVar(&o.lifecycle)
	app.Flag("web.enable-pprof", "Serve profiles under /debug/pprof/.").BoolVar(&o.pprof)
	app.Flag("log.level", "Least level that is logged: debug, info, warn or error.").Default("info").EnumVar(&o.logLevel, "debug", "info", "warn", "error")
	app.Flag("log.format", "Form of log lines: logfmt or json.").Default("logfmt").EnumVar(&o.logFormat, "logfmt", "json")
	return o
}

// loadConfig reads the configuration file, or makes one of the bootstrap servers, or of a Java client's properties.
func (o *options) loadConfig() (*config.Config, error) {
	switch {
	case o.configFile != "" && o.properties != "":
		return nil, fmt.Errorf("--config.file and --properties exclude each other: both say how to reach a cluster")
	case o.properties != "":
		client, err := o.loadProperties()
		if err != nil {
			return nil, err
		}
		return config.Alone(o.properties, client.Cluster, kinds)
	case o.configFile != "" && len(o.servers) > 0:
		return nil, fmt.Errorf("--config.file and --kafka.bootstrap-servers exclude each other: put the servers into the file")
	case o.configFile != "":
		return config.Load(o.configFile, kinds)
	case len(o.servers) > 0:
		return config.FromBootstrap(o.servers, kinds)
	default:
		return nil, fmt.Errorf("no cluster to probe: give --config.file, or --kafka.bootstrap-servers for a first look, or try the command demo")
	}
}

// loadProperties reads a Java client's properties. --kafka.bootstrap-servers wins over theirs, as
// --bootstrap-server of Kafka's tools does over the file of --command-config.
func (o *options) loadProperties() (*properties.Client, error) {
	var more []properties.Entry
	if len(o.servers) > 0 {
		more = append(more, properties.Entry{Source: "--kafka.bootstrap-servers", Key: "bootstrap.servers", Value: strings.Join(o.servers, ",")})
	}
	return properties.Load(o.properties, more...)
}

// runServe probes and serves until a signal ends it.
func runServe(o *options, log *slog.Logger) error {
	cfg, err := o.loadConfig()
	if err != nil {
		return err
	}
	log.Info("kafka_prober starts", "version", version.Info(), "build", version.BuildContext())
	ctx, stop := interrupted()
	defer stop()
	return serve(ctx, o, cfg, log, nil)
}
