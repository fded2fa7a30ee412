package main

import (
	"math"
	"slices"
	"time"

	"github.com/prometheus/common/version"

	"github.com/kafka-prober/kafka_prober/internal/config"
	"github.com/kafka-prober/kafka_prober/internal/web"
	"github.com/kafka-prober/kafka_prober/prober/ledger"
	"github.com/kafka-prober/kafka_prober/prober/recorder"
)

// page is the landing page: what is configured, and how it is, from the recorder's snapshot.
func (d *daemon) page() web.Page {
	cfg := d.current()
	p := web.Page{Version: version.Version, Uptime: time.Since(d.started)}
	snapshot := d.recorder.Snapshot()
	for _, c := range cfg.Clusters {
		for _, c := range c.Ways() {
			p.Clusters = append(p.Clusters, clusterView(c, snapshot))
		}
	}
	return p
}

func clusterView(c config.Cluster, snapshot []recorder.ProbeSnapshot) web.ClusterView {
	view := web.ClusterView{Name: title(c), Bootstrap: c.BootstrapServers}
	for _, instance := range c.Probes {
		i := slices.IndexFunc(snapshot, func(s recorder.ProbeSnapshot) bool {
			return s.Cluster == c.Name && s.Listener == c.Listener && s.Name == instance.Name
		})
		if i >= 0 {
			view.Probes = append(view.Probes, probeView(instance, &snapshot[i]))
		}
	}
	return view
}

func probeView(instance config.Instance, s *recorder.ProbeSnapshot) web.ProbeView {
	v := web.ProbeView{
		Name: instance.Name, Kind: instance.Kind.Name, Topic: s.Topic,
		Interval: s.State.Interval, Timeout: s.Timeout, Problem: s.State.LastProblem,
	}
	switch {
	case !s.Running:
		v.Problem = "the probe does not run; the log says why"
	case s.State.Overloaded && v.Problem == "":
		v.Problem = "this process is too busy to send on time: its figures are its own, not Kafka's"
	}
	for i := range s.Brokers {
		b := &s.Brokers[i]
		if b.Broker == ledger.UnknownBroker && b.Counts.InFlight == 0 && len(s.Brokers) > 1 {
			continue // the first moments; its counts are in /metrics
		}
		v.Brokers = append(v.Brokers, brokerView(b, s))
	}
	return v
}

func brokerView(b *recorder.BrokerSnapshot, s *recorder.ProbeSnapshot) web.BrokerView {
	outcomes := &b.Counts.Outcomes
	v := web.BrokerView{
		ID: ledger.BrokerLabel(b.Broker), State: brokerState(b, s), Partitions: b.State.Partitions,
		Delivered: outcomes[ledger.Delivered], Failed: outcomes[ledger.Failed],
		TimedOut: outcomes[ledger.Timeout], Lost: outcomes[ledger.Lost],
		InFlight: uint64(max(0, b.Counts.InFlight)), OldestOutstanding: b.State.Oldest,
		LastDelivered: b.LastDelivered, P50: math.NaN(), P99: math.NaN(),
	}
	if b.Recent > 0 {
		v.P50, v.P99 = b.P50.Seconds(), b.P99.Seconds()
	}
	return v
}

// brokerState says in one word how a broker looks to a probe.
func brokerState(b *recorder.BrokerSnapshot, s *recorder.ProbeSnapshot) web.State {
	const stuck = 2 * time.Second
	switch {
	case b.Counts.Due == 0:
		return web.StateUnknown
	case b.State.Oldest > stuck:
		return web.StateDown
	case s.SLOLatency > 0 && b.P95 > s.SLOLatency:
		return web.StateSlow
	default:
		return web.StateUp
	}
}
