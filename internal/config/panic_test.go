package config_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/config"
	"github.com/kafka-prober/kafka_prober/internal/kind"
)

type noTag struct{ Interval kind.Duration }

func (*noTag) Validate() error { return nil }

type reservedKey struct {
	Name string `yaml:"name"`
}

func (*reservedKey) Validate() error { return nil }

type goDuration struct {
	Every []time.Duration `yaml:"every"`
}

func (*goDuration) Validate() error { return nil }

type requiredKey struct {
	URL string `yaml:"url" required:"true"`
}

func (*requiredKey) Validate() error { return nil }

type notAPointer struct{}

func (notAPointer) Validate() error { return nil }

// A kind that config can't read is found by whoever runs any test with it.
func TestUnreadableKindsPanic(t *testing.T) {
	for _, test := range []struct {
		settings kind.Settings
		want     string
	}{
		{new(noTag), "config: field Interval of config_test.noTag has no yaml tag"},
		{new(reservedKey), "config: settings of x use the reserved key name"},
		{new(goDuration), "config: a setting can't have type time.Duration"},
		{new(requiredKey), "config: x runs by default and yet requires the key url"},
		{notAPointer{}, "config: settings of x are no pointer to a struct but config_test.notAPointer"},
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); got != test.want {
					t.Errorf("panic %q, want %q", got, test.want)
				}
			}()
			registry := new(kind.Registry)
			registry.Register(kind.Kind{Name: "x", Help: "x", Default: true, New: func() kind.Settings { return test.settings }})
			config.Reference(config.Kinds{Probes: registry})
		}()
	}
}
