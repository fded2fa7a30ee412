package demo

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Options of Start. The zero value, with a Log, is the demo as documented.
type Options struct {
	Brokers int          // number of brokers, ids from 0; default 3
	Log     *slog.Logger // required

	// Calm leaves out the broker that is slow once a minute.
	Calm bool

	// For tests; zero means the constants of this package.
	trimInterval time.Duration
	slowEvery    time.Duration
}

// Cluster is a running demo.
type Cluster struct {
	kafka   *kfake.Cluster
	options Options
	shop    *kgo.Client // produces all application records
	close   func()      // ends what runs
	work    sync.WaitGroup
}

// Start starts the brokers, creates the shop's topics and groups and begins
// its traffic. When ctx is done before that, it fails; when it is done later,
// the traffic stops. Close ends the brokers in any case.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	if o.Brokers == 0 {
		o.Brokers = 3
	}
	if o.Brokers < 1 {
		return nil, fmt.Errorf("start the demo: %d brokers, at least one is needed", o.Brokers)
	}
	if o.trimInterval == 0 {
		o.trimInterval = trimInterval
	}
	if o.slowEvery == 0 {
		o.slowEvery = slowEvery
	}
	kafka, err := kfake.NewCluster(
		kfake.NumBrokers(o.Brokers),
		kfake.ClusterID("kafka-prober-demo"),
		kfake.BrokerConfigs(storageLimits()),
	)
	if err != nil {
		return nil, fmt.Errorf("start the demo's brokers: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	c := &Cluster{kafka: kafka, options: o, close: cancel}
	if err := c.start(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context) error {
	c.capSegments()
	c.honourAssignments()
	for _, s := range streams() {
		if err := c.kafka.CreateTopic(s.topic, s.partitions, shopTopicConfig()); err != nil {
			return fmt.Errorf("create the demo's topic %s: %w", s.topic, err)
		}
	}
	var err error
	if c.shop, err = c.client("demo-shop", kgo.ProducerLinger(20*time.Millisecond)); err != nil {
		return err
	}
	if err := c.commitNightlyReport(ctx); err != nil {
		return err
	}
	group, err := c.client("demo-fulfilment",
		kgo.ConsumerGroup(fulfilmentGroup), kgo.ConsumeTopics(ordersTopic),
		kgo.AutoCommitInterval(commitInterval), kgo.FetchMaxWait(time.Second))
	if err != nil {
		return err
	}
	c.work.Go(func() { c.trim(ctx) })
	c.work.Go(func() { c.produce(ctx) })
	c.work.Go(func() { c.fulfil(ctx, group) })
	if !c.options.Calm {
		c.work.Go(func() { c.slowDown(ctx) })
	}
	return nil
}

// client returns a client of the application, which logs at debug level only:
// nobody operates the shop.
func (c *Cluster) client(id string, options ...kgo.Opt) (*kgo.Client, error) {
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(c.Bootstrap()...),
		kgo.ClientID(id),
		kgo.DisableClientMetrics(),
		kgo.MetadataMinAge(250 * time.Millisecond),
	}, options...)...)
	if err != nil {
		return nil, fmt.Errorf("create the demo's client %s: %w", id, err)
	}
	return client, nil
}

// commitNightlyReport leaves behind a group without members.
func (c *Cluster) commitNightlyReport(ctx context.Context) error {
	var offsets kadm.Offsets
	for p := range paymentsPartitions {
		offsets.AddOffset(paymentsTopic, p, 0, -1)
	}
	if err := kadm.NewClient(c.shop).CommitAllOffsets(ctx, nightlyGroup, offsets); err != nil {
		if ctx.Err() != nil { // which kadm reports as an unknown topic
			err = ctx.Err()
		}
		return fmt.Errorf("commit the demo's group %s: %w", nightlyGroup, err)
	}
	return nil
}

// Bootstrap returns the bootstrap servers, host:port on loopback.
func (c *Cluster) Bootstrap() []string { return c.kafka.ListenAddrs() }

// Describe says in a sentence or two what an onlooker will see, for the line
// that the demo prints.
func (c *Cluster) Describe() string {
	text := fmt.Sprintf("An embedded cluster of %d brokers with a small shop on it: topics orders, payments and clickstream, "+
		"one consumer group that lags a little and one that is idle.", c.options.Brokers)
	if !c.options.Calm {
		text += fmt.Sprintf(" Every %s one broker in turn answers produce requests %s late for %s, so that the graphs move.",
			inWords(c.options.slowEvery), slowDelay, slowFor)
	}
	return text
}

func inWords(d time.Duration) string {
	if d == time.Minute {
		return "minute"
	}
	return d.String()
}

// Close stops the shop and the brokers and waits for them. It may be called
// more than once, by one goroutine.
func (c *Cluster) Close() {
	c.close()
	// The brokers go last: a group's member says good-bye to them.
	c.work.Wait()
	if c.shop != nil {
		c.shop.Close()
	}
	c.kafka.Close()
}
