package deploytest

import (
	"path/filepath"
	"strings"
	"testing"
)

// kustomizations are the folders that kustomize is to build.
func kustomizations(t *testing.T) []string {
	t.Helper()
	var dirs []string
	for _, file := range append(glob(t, "deploy/kustomize/base/kustomization.yaml"), glob(t, "deploy/kustomize/overlays/*/kustomization.yaml")...) {
		dirs = append(dirs, filepath.Dir(file))
	}
	return dirs
}

// TestKustomize builds the base and each overlay and holds what comes out against the chart's policies.
func TestKustomize(t *testing.T) {
	t.Parallel()
	for _, dir := range kustomizations(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			docs := documents(t, run(t, "kustomize", "build", dir))
			kinds := map[string]int{}
			for _, d := range docs {
				kinds[d.kind()]++
				check(t, d)
			}
			checkConfigs(t, docs)
			if kinds["DaemonSet"] != 1 || kinds["Deployment"] != 1 || kinds["ConfigMap"] < 2 {
				t.Errorf("made %v", kinds)
			}
		})
	}
}

// TestKustomizeIsTheChart: the base is what the chart makes, so that there is one thing to look after.
func TestKustomizeIsTheChart(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	run(t, "deploy/kustomize/generate.sh", out)
	for _, name := range []string{
		"base/workloads.yaml", "base/agents.yml", "base/central.yml", "components/monitoring/podmonitor.yaml",
		"components/monitoring/prometheusrule.yaml", "components/network-policy/networkpolicy.yaml",
	} {
		if got, want := read(t, filepath.Join("deploy/kustomize", name)), read(t, filepath.Join(out, name)); got != want || len(want) < 50 {
			t.Errorf("deploy/kustomize/%s is not what the chart makes: run deploy/kustomize/generate.sh", name)
		}
	}
}

// TestKustomizeRefuses: a misspelt field in an overlay's patch is found, as in the chart.
func TestKustomizeRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run(t, "cp", "-r", "deploy/kustomize", dir)
	file := filepath.Join(dir, "kustomize/overlays/example/kustomization.yaml")
	text := read(t, file)
	write(t, file, strings.Replace(text, "kustomize.config.k8s.io/v1beta1\n", "kustomize.config.k8s.io/v1beta1\nresource: []\n", 1))
	refused(t, []string{"kustomize", "build", filepath.Dir(file)}, "resource")
}
