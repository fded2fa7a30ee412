package prober

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/internal/kafka"
	"github.com/kafka-prober/kafka_prober/prober/flush"
	"github.com/kafka-prober/kafka_prober/prober/record"
	"github.com/kafka-prober/kafka_prober/prober/topics"
)

// superviseInterval is how often the probe looks at what its topics' keepers know.
const superviseInterval = time.Second

// flushProbe is a running flush probe: a goroutine per broker, the keepers of both topics, and one goroutine
// each that tells them of changes and that asks for what the keepers don't.
type flushProbe struct {
	settings    *FlushSettings
	interval    time.Duration
	pauseFactor float64
	epoch       time.Time // of the brokers' and keepers' times
	runID       record.RunID
	pool        *record.Pool
	sink        flush.Sink
	log         *slog.Logger
	admin       *kgo.Client

	plain, flushed *appender
	plainKeeper    *topics.Manager
	flushedKeeper  *topics.Manager

	// Below only supervise's goroutine.
	keeping bool // the flushed topic is being kept
	belief  belief

	mu      sync.Mutex
	targets map[int32]flushTarget // of the brokers that the cluster knows
	running map[int32]bool        // brokers whose goroutine runs
	dirs    map[logDirKey]logDir
	leaders map[string][]int32 // of the topics that have thresholds
}

// Run implements Settings.
func (s *FlushSettings) Run(ctx context.Context, env Env) error {
	admin, err := env.Factory.Client("admin", kgo.ConnIdleTimeout(time.Minute))
	if err != nil {
		return err
	}
	defer admin.Close()
	p := &flushProbe{
		settings: s, interval: time.Duration(s.Interval), pauseFactor: s.PauseFactor,
		epoch: time.Now(), runID: record.NewRunID(), pool: record.NewPool(flushRecordSize, 1),
		sink: env.Flush, log: env.Log, admin: admin, belief: belief{believed: -1},
		targets: map[int32]flushTarget{}, running: map[int32]bool{}, dirs: map[logDirKey]logDir{},
	}
	for _, topic := range []struct {
		spec   topics.Spec
		sender **appender
		keeper **topics.Manager
	}{{s.plain(), &p.plain, &p.plainKeeper}, {s.flushed(), &p.flushed, &p.flushedKeeper}} {
		if *topic.sender, err = newAppender(env, topic.spec.Topic, p.interval, time.Duration(s.Timeout)); err != nil {
			return err
		}
		defer (*topic.sender).client.Close()
		*topic.keeper = topics.NewManager(admin, topics.Options{Spec: topic.spec, Mode: env.Mode, Logger: env.Log, Epoch: p.epoch})
	}
	var wait sync.WaitGroup
	defer wait.Wait()
	defer admin.Close() // a request on a connection that a silent broker does not take up outlives its context
	wait.Go(func() { p.plainKeeper.Run(ctx) })
	wait.Go(func() { p.learn(ctx) })
	p.supervise(ctx, &wait)
	return nil
}

// supervise starts what is to run, until ctx is done.
func (p *flushProbe) supervise(ctx context.Context, wait *sync.WaitGroup) {
	for {
		plain, flushed := p.plainKeeper.State(), p.flushedKeeper.State()
		if !p.keeping && plain.Observed.Exists {
			// Where the setting has no effect the topic would only be in the way.
			if ok, _ := flush.KafkasLog(values(plain.Observed)); ok {
				p.keeping = true
				wait.Go(func() { p.flushedKeeper.Run(ctx) })
			}
		}
		p.believe(judgeBelief(plain, flushed))
		for _, id := range p.aim(plain, flushed) {
			wait.Go(func() { newFlushBroker(p, id).run(ctx) })
		}
		if len(plain.Observed.Brokers) > 0 {
			p.sink.State(p.state(plain, flushed))
		}
		pause(ctx, superviseInterval)
		if ctx.Err() != nil {
			return
		}
	}
}

// aim works out where each broker's records go and returns the brokers whose goroutine is to be started.
func (p *flushProbe) aim(plain, flushed topics.State) (fresh []int32) {
	plainOf, flushedOf := leds(plain), map[int32]topics.Partition{}
	if p.belief.believed == 1 {
		flushedOf = leds(flushed)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	before := maps.Clone(p.targets)
	clear(p.targets)
	for _, b := range plain.Observed.Brokers {
		to := flushTarget{plain: -1, flushed: -1}
		if part, leads := plainOf[b.ID]; leads {
			to.plain = part.ID
		}
		if part, leads := flushedOf[b.ID]; leads {
			to.flushed, to.replicas = part.ID, len(part.Replicas)
			to.logDir = p.dirs[logDirKey{b.ID, part.ID}].path
		}
		p.targets[b.ID] = to
		if was := before[b.ID]; was.plain != to.plain || was.flushed != to.flushed {
			// The clients learn of leaders and partitions by themselves, but later.
			p.plain.client.ForceMetadataRefresh()
			p.flushed.client.ForceMetadataRefresh()
		}
		if !p.running[b.ID] {
			p.running[b.ID] = true
			fresh = append(fresh, b.ID)
		}
	}
	return fresh
}

// leds returns a probed partition of each broker that leads one, rather one that it is to lead.
func leds(s topics.State) map[int32]topics.Partition {
	led := map[int32]topics.Partition{}
	probed := make(map[int32]bool, len(s.Probed))
	for _, id := range s.Probed {
		probed[id] = true
	}
	for _, part := range s.Observed.Partitions {
		if _, has := led[part.Leader]; probed[part.ID] && part.Leader >= 0 && (!has || part.Preferred() == part.Leader) {
			led[part.Leader] = part
		}
	}
	return led
}

// target returns where a broker's records go. Of one that is not known the goroutine has to end.
func (p *flushProbe) target(broker int32) (to flushTarget, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	to, known = p.targets[broker]
	if !known {
		delete(p.running, broker)
	}
	return to, known
}

// took hands a round over. After a failure the topics are looked at again: their leaders may have moved.
func (p *flushProbe) took(pair *flush.Pair) {
	p.sink.Pair(pair)
	if pair.Plain.Reason != "" {
		p.plainKeeper.Trigger()
	}
	if pair.Flushed != nil && pair.Flushed.Reason != "" {
		p.flushedKeeper.Trigger()
	}
}

// state is what holds now.
func (p *flushProbe) state(plain, flushed topics.State) flush.State {
	s := flush.State{Believed: p.belief.believed}
	for _, b := range plain.Observed.Brokers {
		s.Brokers = append(s.Brokers, b.ID)
	}
	p.mu.Lock()
	leaders := p.leaders
	p.mu.Unlock()
	s.Thresholds = p.settings.Thresholds.of(s.Brokers, leaders)
	for _, of := range []topics.State{plain, flushed} {
		for _, r := range of.Refusals {
			s.Refusals = append(s.Refusals, flush.Refusal{Action: string(r.Kind), Reason: r.Reason})
		}
	}
	return s
}

// values are a topic's settings by name; nil if they can't be read.
func values(o topics.Observed) map[string]string {
	if o.Config == nil {
		return nil
	}
	out := make(map[string]string, len(o.Config))
	for name, v := range o.Config {
		out[name] = v.Value
	}
	return out
}

// reasonOf names an error for a log line.
func reasonOf(err error) string { return kafka.Reason(err) }
