package alerts_test

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const (
	prometheusExample   = "../deploy/prometheus.yml"
	alertmanagerExample = "../deploy/alertmanager.yml"
)

// amtool returns what it says of the example.
func amtool(t *testing.T, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath("amtool")
	if err != nil {
		t.Fatal("no amtool on PATH: run the tests by `make test-unit`, or `make .tools/amtool` and put .tools on PATH")
	}
	out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput()
	return string(out), err
}

// TestExamples wants Prometheus and Alertmanager to take the examples, rules included.
func TestExamples(t *testing.T) {
	t.Parallel()
	promtool(t, "check", "config", prometheusExample)
	if out, err := amtool(t, "check-config", alertmanagerExample); err != nil {
		t.Errorf("amtool check-config: %v\n%s", err, out)
	}
}

// TestRoutes sends alerts through the example's routes.
func TestRoutes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ labels, receivers string }{
		{"alertname=KafkaOfflinePartitions severity=critical kafka_cluster=prod", "pager"},
		{"alertname=KafkaBrokerUnreachable severity=warning kafka_cluster=prod broker=2", "tickets"},
		{"alertname=KafkaProberRecordsDuplicated severity=info kafka_cluster=prod topic=raw", "nobody"},
		{"alertname=KafkaProberBurstRunning severity=info kafka_cluster=prod", "nobody"},
		{"alertname=KafkaLogFlushP95High severity=critical kafka_cluster=prod topic=raw-events broker=2", "ingest-team,pager"},
		{"alertname=KafkaMessageSizeJump severity=warning kafka_cluster=prod topic=email", "email-team,tickets"},
		{"alertname=KafkaOfflinePartitions severity=critical kafka_cluster=staging", "pager"},
	} {
		args := append([]string{"config", "routes", "test", "--config.file=" + alertmanagerExample, "--verify.receivers=" + test.receivers},
			strings.Fields(test.labels)...)
		if out, err := amtool(t, args...); err != nil {
			t.Errorf("%s: want %s: %v\n%s", test.labels, test.receivers, err, out)
		}
	}
}

// matcher is one of Alertmanager's, as the example writes them: label, operator, value.
var matcher = regexp.MustCompile(`^(\w+) (=~|!=|=) "?([^"]*)"?$`)

// TestInhibitions wants every inhibition to have alerts on both of its sides, and none to silence its source.
func TestInhibitions(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(alertmanagerExample)
	if err != nil {
		t.Fatal(err)
	}
	var example struct {
		InhibitRules []struct {
			Source []string `yaml:"source_matchers"`
			Target []string `yaml:"target_matchers"`
			Equal  []string
		} `yaml:"inhibit_rules"`
	}
	if err := yaml.Unmarshal(text, &example); err != nil {
		t.Fatal(err)
	}
	if len(example.InhibitRules) == 0 {
		t.Fatal("the example inhibits nothing")
	}
	all := rules(t)
	thresholds := map[string]bool{} // alerts whose severity is that of the threshold
	for _, r := range all {
		if r.Alert != "" && r.Labels["severity"] == "" {
			thresholds[r.Alert] = true
		}
	}
	for _, inhibition := range example.InhibitRules {
		sources, targets := matched(t, all, inhibition.Source), matched(t, all, inhibition.Target)
		if len(sources) == 0 || len(targets) == 0 {
			t.Errorf("%v inhibits %v: alerts %v and %v, want some on both sides", inhibition.Source, inhibition.Target, sources, targets)
		}
		if !slices.Contains(inhibition.Equal, "kafka_cluster") {
			t.Errorf("%v inhibits %v in other clusters, too", inhibition.Source, inhibition.Target)
		}
		mutesPages := !slices.ContainsFunc(inhibition.Target, func(m string) bool { return strings.HasPrefix(m, "severity ") })
		warns := slices.Contains(inhibition.Source, "severity = warning")
		if warns && mutesPages {
			t.Errorf("%v is a warning and inhibits %v, pages included", inhibition.Source, inhibition.Target)
		}
		for _, name := range sources {
			if thresholds[name] && mutesPages && !slices.Contains(inhibition.Source, "severity = critical") {
				t.Errorf("%v, which may be a warning, inhibits %v, pages included", name, inhibition.Target)
			}
			if slices.Contains(targets, name) && !slices.Contains(inhibition.Equal, "alertname") {
				t.Errorf("%v inhibits itself", name)
			}
		}
	}
}

// matched returns the names of the alerts that the matchers are about, and wants each alternative of a pattern
// of names to be an alert: a name misspelt would inhibit nothing, silently.
func matched(t *testing.T, all []rule, matchers []string) []string {
	t.Helper()
	var names []string
	for _, r := range all {
		if r.Alert == "" {
			continue
		}
		labels := map[string]string{"alertname": r.Alert, "severity": r.Labels["severity"], "concern": r.Labels["concern"]}
		fits := true
		for _, text := range matchers {
			m := matcher.FindStringSubmatch(text)
			if m == nil {
				t.Fatalf("matcher %s: want LABEL = VALUE, LABEL != VALUE or LABEL =~ PATTERN", text)
			}
			if m[1] == "severity" && labels["severity"] == "" {
				continue // it is that of the threshold, any one
			}
			fits = fits && regexp.MustCompile("^(?:"+m[3]+")$").MatchString(labels[m[1]]) == (m[2] != "!=")
		}
		if fits {
			names = append(names, r.Alert)
		}
	}
	for _, text := range matchers {
		m := matcher.FindStringSubmatch(text)
		if m[1] != "alertname" || m[2] == "!=" || strings.Contains(m[3], "(") {
			continue
		}
		for name := range strings.SplitSeq(m[3], "|") {
			if !slices.Contains(names, name) {
				t.Errorf("no alert is called %s, which the example inhibits or inhibits by", name)
			}
		}
	}
	return names
}
