package collector

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/kind"
)

// JMXSettings are the settings of the collector "jmx".
type JMXSettings struct {
	Interval    kind.Duration `yaml:"interval" help:"how often every page is read"`
	Timeout     kind.Duration `yaml:"timeout" help:"how long one page may take; at most half the interval"`
	Concurrency int           `yaml:"concurrency" help:"most pages that are read at the same time"`
	MaxPage     kind.Bytes    `yaml:"max_page" help:"largest page, decompressed; a larger one is given up"`

	Template    string      `yaml:"template" help:"page of every broker that the cluster lists and that targets and files leave out: {id} stands for its node id, {host} for the host it advertises, for example http://{host}:9404/metrics; a path that ends in /jolokia is asked by Jolokia's protocol"`
	Targets     []JMXTarget `yaml:"targets" help:"pages of brokers, one by one"`
	Controllers []JMXTarget `yaml:"controllers" help:"pages of nodes that are controllers and no brokers"`
	Files       []string    `yaml:"files" help:"files of targets as Prometheus' file_sd_configs take them, read at every interval; * stands for any part of a name"`

	Client JMXClient `yaml:"http_client"`
}

// JMXTarget is one page.
type JMXTarget struct {
	Broker int32  `yaml:"broker" required:"true" help:"node id"`
	URL    string `yaml:"url" required:"true" help:"address of the page, http or https"`
}

const (
	jmxMinInterval = kind.Duration(5 * time.Second)
	jmxMinTimeout  = kind.Duration(100 * time.Millisecond)
	jmxMinPage     = kind.Bytes(1 << 10)
)

func init() {
	Kinds.Register(kind.Kind{
		Name: "jmx",
		Help: "What the brokers say of themselves over JMX, from the pages of jmx_exporter, Strimzi's reporter or Jolokia; needs targets.",
		New: func() kind.Settings {
			return &JMXSettings{
				Interval:    kind.Duration(time.Minute),
				Timeout:     kind.Duration(10 * time.Second),
				Concurrency: 10,
				MaxPage:     64 << 20,
				Client:      defaultJMXClient(),
			}
		},
	})
}

var (
	_ Settings = (*JMXSettings)(nil)
	_ Source   = (*jmx)(nil)
)

// Validate implements kind.Settings.
func (s *JMXSettings) Validate() error {
	errs := checkTimes(s.Interval, jmxMinInterval, s.Timeout, jmxMinTimeout)
	if s.Concurrency < 1 {
		errs = append(errs, kind.Errorf("concurrency", "must be at least 1, is %d", s.Concurrency))
	}
	if s.MaxPage < jmxMinPage {
		errs = append(errs, kind.Errorf("max_page", "must be at least %s, is %s", jmxMinPage, s.MaxPage))
	}
	return errors.Join(append(errs, s.validateTargets(), kind.Nest("http_client", s.Client.Validate()))...)
}

// Schedule implements Settings. Pages that all take their time, some at once, may take longer than an
// interval: then they are read less often.
func (s *JMXSettings) Schedule() Schedule {
	return Schedule{Interval: time.Duration(s.Interval), Budget: 2 * time.Duration(s.Interval)}
}

// New implements Settings.
func (s *JMXSettings) New(env Env) (Source, error) {
	return &jmx{
		settings: *s,
		account:  env.Account,
		targets:  &jmxTargets{settings: s, client: env.Client, account: env.Account, files: make(map[string][]jmxTarget)},
		reader:   &jmxReader{settings: s.Client, max: int64(s.MaxPage)},
		series:   newJMXSeries(env),
		history:  make(map[string]*jmxHistory),
	}, nil
}

// jmx reads the brokers' own pages.
//
// Budget: a page of 6,000 series is 1 MB and 10 ms of CPU time; with a rule file that has only what is
// read here it is 30 kB. A page is read as a stream, so 10 at a time take 64 kB each. Kept is what a page
// is compared with next time, 60 numbers a broker: for 1,000 brokers 5 MB.
type jmx struct {
	settings JMXSettings
	account  *Account
	targets  *jmxTargets
	reader   *jmxReader
	series   *jmxSeries
	history  map[string]*jmxHistory // by label broker; belongs to Refresh
}

// Close implements Source.
func (j *jmx) Close() { j.reader.close() }

// Refresh implements Source. Of a page that can't be read there is broker_page_up 0 and the reason; the
// others are not kept waiting.
func (j *jmx) Refresh(ctx context.Context) (*Snapshot, error) {
	targets := j.targets.list(ctx)
	if len(targets) == 0 {
		return nil, errors.New("there is no page to read: the cluster lists no broker for the template, or the files name none")
	}
	readings := j.read(ctx, targets)
	s, failed, now := new(Snapshot), 0, make(map[string]*jmxHistory, len(targets))
	found := make(map[jmxSignal]bool)
	for i, target := range targets {
		r := readings[i]
		if r.err != nil {
			failed++
			j.account.FailedAs(target.id, jmxReason(r.err), fmt.Errorf("read page %s: %w", target.url, r.err))
		}
		now[target.broker()] = j.series.add(s, target, r, j.history[target.broker()], j.account, found)
	}
	j.history = now
	j.series.addClusterSignals(s, found, failed == 0)
	if failed == len(targets) {
		return s, fmt.Errorf("no page could be read: collector_partial_errors_total has the reasons; the last: %w", readings[len(readings)-1].err)
	}
	return s, nil
}

// read reads all pages, so many at a time, in random order: were there no time for all, it would not always
// be the same ones that go without. The results are in the targets' order.
func (j *jmx) read(ctx context.Context, targets []jmxTarget) []jmxReading {
	readings := make([]jmxReading, len(targets))
	slots := make(chan struct{}, j.settings.Concurrency)
	done := make(chan struct{})
	for _, i := range rand.Perm(len(targets)) {
		go func() {
			defer func() { done <- struct{}{} }()
			select {
			case slots <- struct{}{}:
				defer func() { <-slots }()
			case <-ctx.Done():
				readings[i].err = fmt.Errorf("wait for a turn: %w", ctx.Err())
				return
			}
			reading, cancel := context.WithTimeout(ctx, time.Duration(j.settings.Timeout))
			defer cancel()
			readings[i] = j.reader.read(reading, targets[i].url)
		}()
	}
	for range targets {
		<-done
	}
	return readings
}
