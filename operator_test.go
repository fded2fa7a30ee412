//go:build faults || bench

package main

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/internal/kafkatest"
)

// operator is a person with an admin client.
type operator struct {
	client *kgo.Client
	admin  *kadm.Client
}

func newOperator(t *testing.T, c *kafkatest.Cluster) *operator {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Bootstrap()...), kgo.MetadataMinAge(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return &operator{client, kadm.NewClient(client)}
}
