//go:build faults

package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-prober/kafka_prober/internal/kafkatest"
)

// unregister takes a broker that has been stopped out of the cluster for good.
func (o *operator) unregister(t *testing.T, id int32) {
	t.Helper()
	req := kmsg.NewPtrUnregisterBrokerRequest()
	req.BrokerID = id
	resp, err := req.RequestWith(t.Context(), o.client)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		t.Fatalf("unregister broker %d: %v", id, err)
	}
}

// partitions returns the steady topic's partitions.
func (o *operator) partitions(t *testing.T) []kadm.PartitionDetail {
	t.Helper()
	var found []kadm.PartitionDetail
	await(t, 20*time.Second, "metadata of the topic", func() bool {
		md, err := o.admin.Metadata(t.Context(), steadyTopic)
		if err != nil {
			return false
		}
		found = md.Topics[steadyTopic].Partitions.Sorted()
		return len(found) > 0
	})
	return found
}

// replicas returns which brokers have each partition.
func (o *operator) replicas(t *testing.T) map[int32]string {
	t.Helper()
	all := map[int32]string{}
	for _, p := range o.partitions(t) {
		all[p.Partition] = fmt.Sprint(p.Replicas)
	}
	return all
}

// awaitInSync waits until every replica is in sync, as whoever restarts brokers one after another does.
func (o *operator) awaitInSync(t *testing.T) {
	t.Helper()
	await(t, time.Minute, "all replicas to be in sync", func() bool {
		return !slices.ContainsFunc(o.partitions(t), func(p kadm.PartitionDetail) bool { return len(p.ISR) < len(p.Replicas) })
	})
}

// moveLeader makes another broker the preferred leader of a partition of which it has a replica.
func (o *operator) moveLeader(t *testing.T, partition int32, replicas []int32) {
	t.Helper()
	var move kadm.AlterPartitionAssignmentsReq
	move.Assign(steadyTopic, partition, replicas)
	answers, err := o.admin.AlterPartitionAssignments(t.Context(), move)
	if err == nil {
		err = answers.Error()
	}
	if err != nil {
		t.Fatalf("move the replicas of partition %d: %v", partition, err)
	}
	await(t, 30*time.Second, "the leader to be elected", func() bool {
		_, _ = o.admin.ElectLeaders(t.Context(), kadm.ElectPreferredReplica, kadm.TopicsSet{steadyTopic: {partition: {}}}) // refused while replicas move
		return slices.ContainsFunc(o.partitions(t), func(p kadm.PartitionDetail) bool {
			return p.Partition == partition && p.Leader == replicas[0]
		})
	})
}

// awaitLeaders waits until each broker leads a partition, as the cluster itself says.
func (o *operator) awaitLeaders(t *testing.T, ids ...int32) {
	t.Helper()
	began := time.Now()
	await(t, 100*time.Second, fmt.Sprintf("brokers %v to lead a partition", ids), func() bool {
		leads := map[int32]bool{}
		for _, p := range o.partitions(t) {
			leads[p.Leader] = true
		}
		return !slices.ContainsFunc(ids, func(id int32) bool { return !leads[id] })
	})
	t.Logf("brokers %v lead after %v", ids, time.Since(began).Round(time.Second))
}

// awaitCovered waits until each broker leads a partition that is probed, and nothing waits.
func (d *daemonProcess) awaitCovered(t *testing.T, ids ...int) {
	t.Helper()
	began := time.Now()
	d.awaitScrape(t, 100*time.Second, fmt.Sprintf("brokers %v to be covered", ids), func(f map[string]*dto.MetricFamily) bool {
		for _, id := range ids {
			if sum(f, "kafka_prober_broker_covered", map[string]string{"broker": strconv.Itoa(id)}) != 1 {
				return false
			}
		}
		return sum(f, "kafka_prober_oldest_outstanding_seconds", nil) < 0.5
	})
	f := d.scrape(t)
	t.Logf("brokers %v covered after %v; outcomes but delivered %v, anomalies %v", ids, time.Since(began).Round(time.Second), outcomes(f), anomalies(f))
	checkUnharmed(t, f)
}

// TestMembership adds a broker, moves leaders by hand, restarts all brokers one after the other and removes one
// for good. The prober finds its way back to a leader on each broker by new partitions and elections; it moves no
// replica, loses no record and sees nothing odd.
func TestMembership(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Brokers(4))
	o := newOperator(t, c)
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	step := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	same := func(what string, before map[int32]string) {
		t.Helper()
		now := o.replicas(t)
		for p, was := range before {
			if now[p] != was {
				t.Errorf("%s: replicas of partition %d are %s, were %s: the prober must not move them", what, p, now[p], was)
			}
		}
	}
	added := c.Broker(4)
	step("stop broker 4", added.Stop(ctx))
	o.unregister(t, 4)

	d := startDaemon(t, configured(t, c, "name: steady"))
	d.awaitCovered(t, 1, 2, 3)
	before := o.replicas(t)

	t.Log("broker 4 added")
	step("start broker 4", added.Start(ctx))
	d.awaitCovered(t, 1, 2, 3, 4)
	same("broker added", before)

	t.Log("leader of broker 1's partition moved by hand")
	for _, p := range o.partitions(t) {
		if p.Replicas[0] == 1 {
			o.moveLeader(t, p.Partition, append(slices.Clone(p.Replicas[1:]), 1))
		}
	}
	before = o.replicas(t)
	o.awaitLeaders(t, 1, 2, 3, 4)
	d.awaitCovered(t, 1, 2, 3, 4)
	same("leaders moved", before)

	t.Log("rolling restart")
	before = o.replicas(t)
	for _, b := range c.Brokers() {
		step("stop", b.Stop(ctx))
		same(fmt.Sprintf("broker %d stopped", b.ID), before)
		step("start", b.Start(ctx))
		o.awaitInSync(t)
	}
	checkUnharmed(t, d.scrape(t))
	o.awaitLeaders(t, 1, 2, 3, 4)
	d.awaitCovered(t, 1, 2, 3, 4)
	if now := o.replicas(t); !maps.Equal(now, before) {
		t.Errorf("rolling restart: partitions are %v, were %v: they are to stay as they are", now, before)
	}

	t.Log("broker 4 removed for good")
	step("stop broker 4", added.Stop(ctx))
	o.unregister(t, 4)
	d.observe(t, 40*time.Second, time.Second, func(map[string]*dto.MetricFamily) {}) // longer than the time after which things are said to be settled
	d.awaitCovered(t, 1, 2, 3)
	if now := o.replicas(t); !maps.Equal(now, before) {
		t.Errorf("broker removed: partitions are %v, were %v: they are to stay as they are", now, before)
	}
	d.terminate(t)
}
