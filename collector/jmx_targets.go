package collector

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/internal/kind"
)

// jmxTarget is a page to read.
type jmxTarget struct {
	id         int32 // node id
	url        string
	controller bool // whether the node is a controller and no broker
}

// broker returns the label broker.
func (t jmxTarget) broker() string { return strconv.Itoa(int(t.id)) }

// role returns the label role.
func (t jmxTarget) role() string {
	if t.controller {
		return "controller"
	}
	return "broker"
}

// jmxTargets knows which pages there are. It belongs to one goroutine.
type jmxTargets struct {
	settings *JMXSettings
	client   *kgo.Client
	account  *Account
	view     clusterView            // the last that the cluster gave; an outage does not end the reading of pages
	unlisted map[int32]unlisted     // brokers that were listed before view
	files    map[string][]jmxTarget // what each file said when it could last be read
}

// jmxForgetAfter is for how long the page of a broker is read that the cluster no longer lists. It lists none
// that is fenced, which is when the page is worth most: the node may be recovering logs, and it may be the
// active controller. It is less than for how long the collector "brokers" knows them by default.
const jmxForgetAfter = 6 * time.Hour

// unlisted is a broker that the cluster listed before.
type unlisted struct {
	host  string
	since time.Time // when it was found missing; has a monotonic reading
}

// validateTargets reports what is wrong with the settings of targets.
func (s *JMXSettings) validateTargets() error {
	var errs []error
	if s.Template == "" && len(s.Targets)+len(s.Controllers)+len(s.Files) == 0 {
		errs = append(errs, kind.Errorf("template", "there is no page to read: give a template such as http://{host}:9404/metrics, or targets, controllers or files"))
	}
	if s.Template != "" {
		if !strings.Contains(s.Template, "{id}") && !strings.Contains(s.Template, "{host}") {
			errs = append(errs, kind.Errorf("template", "has neither {id} nor {host}: it would be the same page for every broker"))
		} else if err := checkPageURL(expandPage(s.Template, 1, "kafka-1")); err != nil {
			errs = append(errs, kind.Errorf("template", "%v", err))
		}
	}
	seen := make(map[int32]string)
	for _, list := range []struct {
		key     string
		targets []JMXTarget
	}{{"targets", s.Targets}, {"controllers", s.Controllers}} {
		for i, t := range list.targets {
			key := fmt.Sprintf("%s[%d]", list.key, i)
			if err := checkPageURL(t.URL); err != nil {
				errs = append(errs, kind.Errorf(key+".url", "%v", err))
			}
			if before, taken := seen[t.Broker]; taken {
				errs = append(errs, kind.Errorf(key+".broker", "%d is already that of %s: each node has one page", t.Broker, before))
			}
			if t.Broker < 0 {
				errs = append(errs, kind.Errorf(key+".broker", "must be a node id, is %d", t.Broker))
			}
			seen[t.Broker] = key
		}
	}
	for i, pattern := range s.Files {
		if err := checkGlob(pattern); err != nil {
			errs = append(errs, kind.Errorf(fmt.Sprintf("files[%d]", i), "%v", err))
		}
	}
	return errors.Join(errs...)
}

// checkPageURL returns what is wrong with the address of a page. A message never shows its password.
func checkPageURL(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return errors.New("is not a URL: write for example http://kafka-1:9404/metrics")
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return fmt.Errorf("%q is not the URL of a page: write for example http://kafka-1:9404/metrics", u.Redacted())
	case u.User != nil:
		return errors.New("must not hold a user or a password: there is http_client.basic_auth")
	}
	return nil
}

// expandPage returns the template's page for a broker.
func expandPage(template string, id int32, host string) string {
	if strings.Contains(host, ":") && !strings.HasPrefix(host, "[") {
		host = "[" + host + "]"
	}
	return strings.NewReplacer("{id}", strconv.Itoa(int(id)), "{host}", host).Replace(template)
}

// list returns the pages there are, by node id. What is configured one by one wins over files, and both
// over the template.
func (t *jmxTargets) list(ctx context.Context) []jmxTarget {
	all := make(map[int32]jmxTarget)
	put := func(target jmxTarget) {
		if _, taken := all[target.id]; !taken {
			all[target.id] = target
		}
	}
	for _, target := range t.settings.Targets {
		put(jmxTarget{target.Broker, target.URL, false})
	}
	for _, target := range t.settings.Controllers {
		put(jmxTarget{target.Broker, target.URL, true})
	}
	if t.settings.Template != "" || len(t.settings.Files) > 0 {
		t.ask(ctx)
	}
	for _, target := range t.readFiles() {
		put(target)
	}
	if t.settings.Template != "" {
		for id, place := range t.view.brokers {
			put(jmxTarget{id, expandPage(t.settings.Template, id, place.host), false})
		}
	}
	t.putUnlisted(all)
	list := make([]jmxTarget, 0, len(all))
	for _, target := range all {
		list = append(list, target)
	}
	slices.SortFunc(list, func(a, b jmxTarget) int { return int(a.id) - int(b.id) })
	return list
}

// putUnlisted adds the template's pages of brokers that are listed no more. One whose page is another node's
// now is left out: it came back under another id, and would count twice.
func (t *jmxTargets) putUnlisted(all map[int32]jmxTarget) {
	if t.settings.Template == "" {
		return
	}
	pages := make(map[string]bool, len(all))
	for _, target := range all {
		pages[target.url] = true
	}
	for id, broker := range t.unlisted {
		target := jmxTarget{id, expandPage(t.settings.Template, id, broker.host), false}
		if _, taken := all[id]; !taken && !pages[target.url] {
			all[id], pages[target.url] = target, true
		}
	}
}

// advertising returns the broker whose host it is, and how many there are. Those that are listed come first.
func (t *jmxTargets) advertising(host string) (id int32, n int) {
	for i, place := range t.view.brokers {
		if place.host == host {
			id = i
			n++
		}
	}
	if n > 0 {
		return id, n
	}
	for i, broker := range t.unlisted {
		if broker.host == host {
			id = i
			n++
		}
	}
	return id, n
}

// ask learns which brokers the cluster has. If nobody answers those known from before go on: a page is
// worth most when the broker itself is silent.
func (t *jmxTargets) ask(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(t.settings.Timeout))
	defer cancel()
	view, err := askCluster(ctx, t.client)
	if err != nil {
		t.account.Failed(-1, fmt.Errorf("list brokers: %w", err))
		return
	}
	t.learn(view, time.Now())
	if len(t.unlisted) > 0 {
		t.forgetUnregistered(ctx)
	}
}

// learn takes what the cluster says now, and keeps for a while whom it said before.
func (t *jmxTargets) learn(view clusterView, now time.Time) {
	if t.unlisted == nil {
		t.unlisted = make(map[int32]unlisted)
	}
	for id, place := range t.view.brokers {
		t.unlisted[id] = unlisted{place.host, now}
	}
	t.view = view
	maps.DeleteFunc(t.unlisted, func(id int32, broker unlisted) bool {
		_, listed := view.brokers[id]
		gone := !listed && now.Sub(broker.since) > jmxForgetAfter
		if gone {
			t.account.forget(id)
		}
		return listed || gone
	})
}

// forgetUnregistered forgets brokers that have left for good, where Kafka says which are registered (from 4.0
// on). Without an answer they are kept.
func (t *jmxTargets) forgetUnregistered(ctx context.Context) {
	next := roundRobin(t.view.ids())
	registered, err := hedge(ctx, func(ctx context.Context) (map[int32]place, error) {
		return (&brokers{client: t.client}).listRegistered(ctx, next())
	})
	if err != nil || registered == nil {
		return
	}
	maps.DeleteFunc(t.unlisted, func(id int32, _ unlisted) bool {
		_, there := registered[id]
		if !there {
			t.account.forget(id)
		}
		return !there
	})
}
