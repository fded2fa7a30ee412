package config_test

import (
	"errors"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/config"
	"github.com/kafka-prober/kafka_prober/internal/kind"
)

// testKinds are kinds of the tests' own, with at least one setting of every form.
func testKinds() config.Kinds {
	probes, collectors := new(kind.Registry), new(kind.Registry)
	probes.Register(kind.Kind{Name: "steady", Help: "one record per partition and interval", Default: true, New: newSteady})
	probes.Register(kind.Kind{Name: "burst", Help: "many records at once.", New: newBurst})
	collectors.Register(kind.Kind{Name: "isr", Help: "under-replicated partitions", Default: true, New: newISR})
	collectors.Register(kind.Kind{Name: "jmx", Help: "brokers' JMX pages", New: newJMX})
	return config.Kinds{Probes: probes, Collectors: collectors}
}

type steady struct {
	Interval   kind.Duration        `yaml:"interval" help:"time between two records of a partition"`
	Timeout    kind.Duration        `yaml:"timeout" help:"deadline of a record"`
	Size       kind.Bytes           `yaml:"size" help:"size of a record"`
	Acks       string               `yaml:"acks" enum:"all|leader|none" help:"acks of the producer"`
	Retries    bool                 `yaml:"retries" help:"retry within the deadline"`
	RF         int16                `yaml:"replication_factor" default:"min(3, brokers)" help:"of a topic that is created"`
	SLO        slo                  `yaml:"slo" help:"never shown: its keys are"`
	Thresholds map[string]threshold `yaml:"thresholds" help:"p95 by signal"`
	Topic      string               `yaml:"topic" help:"a | in a text"`
}

type slo struct {
	Objective float64       `yaml:"objective" help:"share of good records"`
	Latency   kind.Duration `yaml:"latency" help:"slower is bad"`
}

type threshold struct {
	Warning  kind.Duration `yaml:"warning" help:"opens a ticket"`
	Critical kind.Duration `yaml:"critical" help:"pages"`
}

func (s *slo) Validate() error {
	if s.Objective <= 0 || s.Objective >= 1 {
		return kind.Errorf("objective", "must be between 0 and 1, is %v", s.Objective)
	}
	return nil
}

func newSteady() kind.Settings {
	ms := kind.Duration(time.Millisecond)
	return &steady{
		Interval: 100 * ms, Timeout: 30_000 * ms, Size: 128, Acks: "all", Retries: true,
		SLO:        slo{Objective: 0.999, Latency: 200 * ms},
		Thresholds: map[string]threshold{"end_to_end": {Warning: 100 * ms, Critical: 500 * ms}},
		Topic:      "kafka-prober-steady-internal",
	}
}

func (s *steady) Validate() error {
	errs := []error{kind.Nest("slo", s.SLO.Validate())}
	if s.Interval < kind.Duration(time.Millisecond) {
		errs = append(errs, kind.Errorf("interval", "must be at least 1ms, is %s", s.Interval))
	}
	for signal, t := range s.Thresholds {
		if t.Critical >= s.Timeout {
			errs = append(errs, kind.Errorf("thresholds."+signal+".critical", "must be below the timeout of %s, is %s", s.Timeout, t.Critical))
		}
	}
	return errors.Join(errs...)
}

type burst struct {
	Records uint    `yaml:"records" required:"true" help:"how many"`
	Ratio   float32 `yaml:"ratio" help:"of the rate"`
}

func newBurst() kind.Settings { return &burst{Ratio: 1.5} }

func (b *burst) Validate() error {
	if b.Records > 1_000_000 {
		return errors.New("too many records for one machine")
	}
	return nil
}

type isr struct{}

func newISR() kind.Settings    { return &isr{} }
func (*isr) Validate() error   { return nil }
func newJMX() kind.Settings    { return &jmx{common: common{Interval: kind.Duration(time.Minute)}} }
func (j *jmx) Validate() error { return nil }

type common struct {
	Interval kind.Duration `yaml:"interval" help:"time between two refreshes"`
}

type jmx struct {
	common   `yaml:",inline"`
	Targets  []target `yaml:"targets" help:"pages to read"`
	Auth     *auth    `yaml:"auth" help:"login of the pages"`
	Patterns []string `yaml:"patterns" help:"beans"`
}

type target struct {
	URL string `yaml:"url" required:"true" help:"address of the page"`
}

type auth struct {
	User     string      `yaml:"user" help:"name"`
	Password kind.Secret `yaml:"password" help:"kept secret"`
}
