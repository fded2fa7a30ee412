package bench

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Options are what the caller asks for, by flags.
type Options struct {
	Values      map[string]string // of parameters that were given, by name: one value, or several with commas
	Profile     string            // where the others begin: throughput, latency, durability or availability
	Repeat      int               // runs of each case
	Topic       string            // "": one that is made for each run and deleted after it
	TopicConfig []string          // key=value, of a topic that is made
	KeepTopic   bool
	Assert      []string
}

// Plan is what will be run: every case, as often as it is repeated.
type Plan struct {
	Options Options
	Cases   []PlannedCase
	asserts []assertion
	config  map[string]string // of topics
	remade  bool              // the topic that is named was made and deleted by a run
}

// PlannedCase is a case and its name, made of what tells it from the others.
type PlannedCase struct {
	Name string `json:"name"`
	Case
}

// Profiles are the names of the sets of defaults.
var Profiles = []string{"throughput", "latency", "durability", "availability"}

// defaults returns what the cases of a profile start from, and what their topics are made with.
func defaults(profile string) (Case, map[string]string) {
	c := Case{
		Size: 1024, Acks: "all", Compression: "none", Linger: 5 * time.Millisecond, BatchSize: 1 << 20, Idempotent: true,
		BufferMemory: 32 << 20, FetchMinBytes: 1, Timeout: 30 * time.Second, Producers: 1, Consumers: 1,
		Keys: "none", Payload: "random", Warmup: time.Second,
	}
	config := map[string]string{}
	switch profile {
	case "latency":
		c.Rate, c.Linger, c.Size = 1000, 0, 128
	case "durability":
		c.Linger = 0
		config["min.insync.replicas"] = "2"
		config["unclean.leader.election.enable"] = "false"
	case "availability":
		c.Rate, c.Linger, c.Acks, c.Idempotent = 1000, 0, "1", false
		config["min.insync.replicas"] = "1"
	}
	return c, config
}

// maxCases is how many cases a matrix may make: more is a slip of the keyboard.
const maxCases = 1000

// NewPlan checks what was asked for and works out the cases. Its error names every flag that is wrong.
func NewPlan(o Options) (*Plan, error) {
	if o.Profile == "" {
		o.Profile = Profiles[0]
	}
	if !slices.Contains(Profiles, o.Profile) {
		return nil, fmt.Errorf("--profile %q: must be one of %s", o.Profile, strings.Join(Profiles, ", "))
	}
	if o.Repeat < 1 {
		return nil, fmt.Errorf("--repeat %d: must be at least 1", o.Repeat)
	}
	base, config := defaults(o.Profile)
	p := &Plan{Options: o, config: config}
	var errs []error
	for _, pair := range o.TopicConfig {
		key, value, found := strings.Cut(pair, "=")
		if !found || key == "" {
			errs = append(errs, fmt.Errorf("--topic-config %q: write it as name=value, for example retention.ms=60000", pair))
			continue
		}
		config[key] = value
	}
	for _, text := range o.Assert {
		a, err := parseAssertion(text)
		errs = append(errs, err)
		p.asserts = append(p.asserts, a)
	}
	p.Cases = []PlannedCase{{Case: base}}
	for _, param := range params {
		text, given := o.Values[param.Name]
		if !given {
			continue
		}
		values := strings.Split(text, ",")
		var next []PlannedCase
		for _, before := range p.Cases {
			for _, value := range values {
				c := before
				if err := param.set(&c.Case, strings.TrimSpace(value)); err != nil {
					errs = append(errs, fmt.Errorf("--%s %w", param.Name, err))
					break
				}
				if len(values) > 1 {
					c.Name = strings.TrimPrefix(c.Name+" "+param.Name+"="+param.get(&c.Case), " ")
				}
				next = append(next, c)
			}
			if len(next) > maxCases {
				return nil, fmt.Errorf("--%s makes more than %d cases: shorten the lists", param.Name, maxCases)
			}
		}
		if len(next) > 0 {
			p.Cases = next
		}
	}
	if err := joined(errs); err != nil {
		return nil, err
	}
	for i := range p.Cases {
		if err := p.finish(&p.Cases[i]); err != nil {
			errs = append(errs, err)
		}
	}
	return p, joined(errs)
}

// finish fills in what follows from the rest of a case and refuses what can't be together.
func (p *Plan) finish(c *PlannedCase) error {
	given := func(name string) bool { _, ok := p.Options.Values[name]; return ok }
	if c.Name == "" {
		c.Name = p.Options.Profile
	}
	if c.Records == 0 && c.Duration == 0 && c.Producers > 0 { // a topic that is read has an end
		c.Duration = 10 * time.Second
	}
	if !given("idempotent") {
		c.Idempotent = c.Acks == "all"
	}
	if !given("consumers") && given("producers") && c.Producers > 0 {
		c.Consumers = c.Producers
	}
	switch {
	case c.Idempotent && c.Acks != "all":
		return fmt.Errorf("--idempotent true with --acks %s: Kafka wants acks all for it; leave one of the two out", c.Acks)
	case c.Idempotent && c.InFlight > 0:
		return errors.New("--in-flight with --idempotent: an idempotent client has five requests in flight and no other number; add --idempotent false")
	case c.Producers == 0 && c.Consumers == 0:
		return errors.New("--producers 0 with --consumers 0: nothing would be measured")
	case c.Producers == 0 && p.Options.Topic == "":
		return errors.New("--producers 0 without --topic: say what to read")
	case c.Producers > 0 && c.Consumers > 0 && c.Consumers != c.Producers:
		return fmt.Errorf("--consumers %d with --producers %d: each sender's records are read back by a reader of its own: give the same number, or 0", c.Consumers, c.Producers)
	case c.Partitions > 0 && c.Producers > c.Partitions:
		return fmt.Errorf("--producers %d with --partitions %d: each sender needs a partition of its own: raise the partitions", c.Producers, c.Partitions)
	case c.Acks == "0" && c.Consumers == 0:
		return errors.New("--acks 0 with --consumers 0: nobody would know whether a record arrived; read them back or ask for acks")
	case c.Producers > 0 && c.Consumers == 0 && p.assertsReading() != "":
		return fmt.Errorf("--assert %q with --consumers 0: nobody reads the records back, so that it could never fail; read them back, or assert on error_ratio", p.assertsReading())
	case c.Size > c.BufferMemory:
		return fmt.Errorf("--size %s with --buffer-memory %s: not one record fits: raise the buffer", bytesText(c.Size), bytesText(c.BufferMemory))
	case c.Rate > 0 && c.Records == 0 && c.Rate*c.Duration.Seconds() < 1:
		return fmt.Errorf("--rate %v with --duration %v: not one record would be due: raise one of them", c.Rate, c.Duration)
	}
	return nil
}

// assertsReading returns the first assertion on what only a reader can find out, or "".
func (p *Plan) assertsReading() string {
	for _, a := range p.asserts {
		if slices.Contains([]string{"lost", "duplicate", "reordered", "corrupt"}, a.metric) {
			return a.text
		}
	}
	return ""
}

// joined joins errors into one line each, without those that are none, and each only once.
func joined(errs []error) error {
	var kept []error
	for _, err := range errs {
		if err != nil && !slices.ContainsFunc(kept, func(k error) bool { return k.Error() == err.Error() }) {
			kept = append(kept, err)
		}
	}
	return errors.Join(kept...)
}

// slots returns how many records the case sends in its measured stretch, if that is known beforehand: of
// a case that ends with its time and has no pace, it is not.
func (c *Case) slots() (n uint64, known bool) {
	n, known = uint64(c.Records), c.Records > 0
	if c.Rate > 0 && c.Duration > 0 {
		due := uint64(c.Rate*c.Duration.Seconds() + 0.5)
		if !known || due < n {
			n, known = due, true
		}
	}
	return n, known
}
