package deploytest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
)

const (
	chart      = "deploy/helm/kafka-prober"
	benchChart = "deploy/helm/kafka-prober-bench"
)

// valuesFiles are the files that each chart has to do with.
func valuesFiles(t *testing.T, chart string) []string {
	t.Helper()
	files := glob(t, chart+"/ci/*-values.yaml")
	examples, err := filepath.Glob(filepath.Join(root, chart, "examples/*-values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return append(files, examples...)
}

// render returns what helm makes of a chart, as documents.
func render(t *testing.T, chart string, args ...string) []document {
	t.Helper()
	args = append([]string{"helm", "template", "probe", chart, "--namespace=monitoring", "--kube-version=1.34.2",
		"--api-versions=monitoring.coreos.com/v1"}, args...)
	return documents(t, run(t, args...))
}

// eachChart calls test for each chart with each of its values files.
func eachChart(t *testing.T, test func(t *testing.T, chart, values string)) {
	t.Helper()
	for _, chart := range []string{chart, benchChart} {
		for _, values := range valuesFiles(t, chart) {
			t.Run(filepath.Base(chart)+"/"+filepath.Base(values), func(t *testing.T) {
				t.Parallel()
				test(t, chart, values)
			})
		}
	}
}

func TestChartLint(t *testing.T) {
	t.Parallel()
	eachChart(t, func(t *testing.T, chart, values string) {
		run(t, "helm", "lint", "--strict", "--quiet", chart, "--values="+values)
	})
}

// TestChartDocuments decodes all that is rendered into Kubernetes' and prometheus-operator's own types,
// unknown fields refused, and holds it against the policies.
func TestChartDocuments(t *testing.T) {
	t.Parallel()
	eachChart(t, func(t *testing.T, chart, values string) {
		docs := render(t, chart, "--values="+values)
		if len(docs) < 3 {
			t.Fatalf("only %d documents", len(docs))
		}
		for _, d := range docs {
			check(t, d)
		}
		checkConfigs(t, docs)
	})
}

// TestChartRefuses: what can't be meant is refused, and the message names it.
func TestChartRefuses(t *testing.T) {
	t.Parallel()
	const base = "clusters: [{name: prod, bootstrap_servers: [\"kafka:9092\"]}]\n"
	for _, tt := range []struct{ name, values, want string }{
		{"nothing to probe", "{}", "clusters is empty: name at least one"},
		{"typo at the top", base + "podMonitors: {enabled: true}\n", "podMonitors"},
		{"typo below", base + "podMonitor: {enable: true}\n", "enable"},
		{"typo in a workload", base + "agents: {nodeselector: {}}\n", "nodeselector"},
		{"typo in a cluster", "clusters: [{name: prod, bootstrap_server: [\"kafka:9092\"]}]\n", "bootstrap_server"},
		{"no server", "clusters: [{name: prod, bootstrap_servers: []}]\n", "bootstrap_servers"},
		{"a password", "clusters: [{name: prod, bootstrap_servers: [\"kafka:9092\"], sasl: {mechanism: PLAIN, username: me, password: planted}}]\n", "password"},
		{"a password for one workload", "clusters: [{name: prod, bootstrap_servers: [\"kafka:9092\"], central: {sasl: {mechanism: PLAIN, username: me, password: planted}}}]\n", "password"},
		{"a token", "clusters: [{name: prod, bootstrap_servers: [\"kafka:9092\"], sasl: {mechanism: OAUTHBEARER, token: planted}}]\n", "token"},
		{"a relative file", "clusters: [{name: prod, bootstrap_servers: [\"kafka:9092\"], tls_config: {ca_file: ca.crt}}]\n", "ca_file"},
		{"both monitors", base + "podMonitor: {enabled: true}\nserviceMonitor: {enabled: true}\n", "podMonitor and serviceMonitor are both enabled"},
		{"digest", base + "image: {digest: latest}\n", "digest"},
		{"port", base + "port: 0\n", "port"},
		{"form", base + "classicHistograms: some\n", "classicHistograms"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			values := filepath.Join(t.TempDir(), "values.yaml")
			write(t, values, tt.values)
			refused(t, []string{"helm", "template", "probe", chart, "--kube-version=1.34.2", "--values=" + values}, tt.want)
		})
	}
}

// TestChartSelectors: nothing in a selector changes with a version, or the upgrade would be refused.
func TestChartSelectors(t *testing.T) {
	t.Parallel()
	copied := filepath.Join(t.TempDir(), "chart")
	if err := os.CopyFS(copied, os.DirFS(filepath.Join(root, chart))); err != nil {
		t.Fatal(err)
	}
	meta := filepath.Join(copied, "Chart.yaml")
	write(t, meta, strings.NewReplacer(`version: 0.1.0`, `version: 9.9.9`, `appVersion: "0.1.0"`, `appVersion: "9.9.9"`).Replace(read(t, meta)))
	values := "--values=" + filepath.Join(root, chart, "ci/minimal-values.yaml")
	before, after := selectors(t, render(t, chart, values)), selectors(t, render(t, copied, values))
	if before != after || !strings.Contains(before, "DaemonSet") || strings.Contains(before, "0.1.0") {
		t.Errorf("selectors before\n%s\nand after a new version\n%s", before, after)
	}
}

// TestRules: what is switched off goes, runbooks lead where they are said to be, and all else stays.
func TestRules(t *testing.T) {
	t.Parallel()
	all := rules(t, render(t, chart, "--values="+filepath.Join(root, chart, "ci/minimal-values.yaml"), "--set=prometheusRule.enabled=true"))
	var source []monitoring.Rule
	for _, path := range glob(t, "alerts/*.yml") {
		source = append(source, rulesOf(t, path)...)
	}
	if len(all) != len(source) || len(all) == 0 {
		t.Fatalf("%d rules, %d in alerts/", len(all), len(source))
	}
	for i := range all {
		if a, b := all[i], source[i]; a.Expr.String() != b.Expr.String() || a.Alert != b.Alert || a.Annotations["description"] != b.Annotations["description"] {
			t.Errorf("rule %d is %+v, in alerts/ %+v", i, a, b)
		}
	}
	some := rules(t, render(t, chart, "--values="+filepath.Join(root, chart, "ci/everything-values.yaml")))
	if len(some) >= len(all) {
		t.Errorf("%d rules with one switched off, %d without", len(some), len(all))
	}
	for _, r := range some {
		if r.Alert == "KafkaProberDown" {
			t.Error("KafkaProberDown is switched off and there")
		}
		if want := "https://runbooks.example.com/kafka/" + r.Alert + ".md"; r.Alert != "" && r.Annotations["runbook_url"] != want {
			t.Errorf("runbook %q, want %q", r.Annotations["runbook_url"], want)
		}
	}
}

// TestChartJob: whatever the chart is called, KafkaProberDown knows its pods by their job.
func TestChartJob(t *testing.T) {
	t.Parallel()
	var wanted *regexp.Regexp
	for _, r := range rulesOf(t, "alerts/kafka_prober.rules.yml") {
		if m := regexp.MustCompile(`up\{job=~"([^"]+)"\}`).FindStringSubmatch(r.Expr.String()); r.Alert == "KafkaProberDown" && m != nil {
			wanted = regexp.MustCompile("^(?:" + m[1] + ")$")
		}
	}
	if wanted == nil {
		t.Fatal("KafkaProberDown does not choose by job")
	}
	for _, tt := range []struct{ name, want string }{{"", "kafka-prober"}, {"foo", "kafka-prober/foo"}, {"my-kafka-prober", "my-kafka-prober"}} {
		for _, monitor := range []string{"podMonitor", "serviceMonitor"} {
			docs := render(t, chart, "--values="+filepath.Join(root, chart, "ci/minimal-values.yaml"),
				"--set=podMonitor.enabled=false", "--set=podMonitor.nodeLabels=false", "--set="+monitor+".enabled=true", "--set=nameOverride="+tt.name)
			if job := jobOf(docs); job != tt.want || !wanted.MatchString(job) {
				t.Errorf("%s with nameOverride %q gives job %q, want %q, which %s has to match", monitor, tt.name, job, tt.want, wanted)
			}
		}
	}
}

// jobOf returns the label job that a monitor gives the pods of the chart.
func jobOf(docs []document) (job string) {
	labels := map[string]map[string]string{} // by the kind that has them
	for _, d := range docs {
		if pod := podOf(d.object); pod != nil {
			labels["PodMonitor"] = pod.Labels
		}
		if d.kind() == "Service" {
			labels["ServiceMonitor"] = d.meta.GetLabels()
		}
	}
	for _, d := range docs {
		var relabelings []monitoring.RelabelConfig
		switch m := d.object.(type) {
		case *monitoring.PodMonitor:
			job, relabelings = labels[d.kind()][m.Spec.JobLabel], m.Spec.PodMetricsEndpoints[0].RelabelConfigs
		case *monitoring.ServiceMonitor:
			job, relabelings = labels[d.kind()][m.Spec.JobLabel], m.Spec.Endpoints[0].RelabelConfigs
		}
		for _, r := range relabelings {
			if r.TargetLabel == "job" {
				job = *r.Replacement
			}
		}
	}
	return job
}

// TestBenchFlags: the flags of the Jobs are those that kafka_prober bench has, and numbers arrive as written.
func TestBenchFlags(t *testing.T) {
	t.Parallel()
	help := run(t, prober(t), "bench", "--help")
	seen := map[string]bool{}
	for _, values := range valuesFiles(t, benchChart) {
		for _, d := range render(t, benchChart, "--values="+values) {
			pod := podOf(d.object)
			if pod == nil {
				continue
			}
			for _, arg := range pod.Spec.Containers[0].Args[1:] {
				flag, _, _ := strings.Cut(arg, "=")
				if !strings.Contains(help, flag+"=") && !strings.Contains(help, flag+" ") {
					t.Errorf("%s: kafka_prober bench has no %s", d.name(), flag)
				}
				seen[arg] = true
			}
		}
	}
	for _, arg := range []string{"--records=1000000", "--size=100,1KiB,10KiB", "--acks=all"} {
		if !seen[arg] {
			t.Errorf("no Job has %s: %v", arg, seen)
		}
	}
}
