package deploytest

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"
)

// secretWord is what a flag, a variable or a key is called that holds a secret.
var secretWord = regexp.MustCompile(`(?i)(password|secret|token|passphrase)`)

// check holds a document against what every one of ours has to be.
func check(t *testing.T, d document) {
	t.Helper()
	if pod := podOf(d.object); pod != nil {
		checkPod(t, d.name(), &pod.Spec)
	}
	switch o := d.object.(type) {
	case *core.ConfigMap:
		for key, value := range o.Data {
			if m := regexp.MustCompile(`(?im)^\s*(- )?(password|token|client_secret|key):.*$`).FindString(value); m != "" {
				t.Errorf("%s, %s: a secret in a ConfigMap: %s", d.name(), key, strings.TrimSpace(m))
			}
		}
	case *networking.NetworkPolicy:
		checkPolicy(t, d.name(), o)
	}
	if d.meta.GetName() == "" || len(d.meta.GetName()) > 63 {
		t.Errorf("%s: a name has 1 to 63 characters", d.name())
	}
}

// checkPod holds a pod against the restricted Pod Security Standard and our own rules.
func checkPod(t *testing.T, name string, p *core.PodSpec) {
	t.Helper()
	bad := func(is bool, what string) {
		if is {
			t.Errorf("%s: %s", name, what)
		}
	}
	bad(p.AutomountServiceAccountToken == nil || *p.AutomountServiceAccountToken, "has a token of the API server")
	bad(p.HostPID || p.HostIPC, "shares the host's processes")
	bad(p.SecurityContext == nil || p.SecurityContext.RunAsNonRoot == nil || !*p.SecurityContext.RunAsNonRoot, "may run as root")
	bad(p.SecurityContext.RunAsUser == nil || *p.SecurityContext.RunAsUser != 65532, "does not run as the image's user")
	bad(p.SecurityContext.SeccompProfile == nil || p.SecurityContext.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault, "has no seccomp profile")
	for _, v := range p.Volumes {
		bad(v.HostPath != nil, "mounts "+v.Name+" of the host")
	}
	for _, c := range p.Containers {
		s := c.SecurityContext
		bad(s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem, "can write to its root file system")
		bad(s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation, "can gain rights")
		bad(s.Privileged != nil && *s.Privileged, "is privileged")
		bad(s.Capabilities == nil || !slices.Equal(s.Capabilities.Drop, []core.Capability{"ALL"}) || len(s.Capabilities.Add) > 0, "has capabilities")
		bad(strings.HasSuffix(c.Image, ":latest") || !strings.ContainsAny(filepath.Base(c.Image), ":@"), "has the image "+c.Image)
		bad(c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero(), "has no bound on memory or no share of CPU")
		for _, arg := range append(slices.Clone(c.Args), c.Command...) {
			flag, _, _ := strings.Cut(arg, "=")
			bad(secretWord.MatchString(flag) && !strings.HasSuffix(flag, "-file"), "has a secret among its arguments: "+flag)
		}
		for _, e := range c.Env {
			bad(secretWord.MatchString(e.Name) && e.ValueFrom == nil, "has a secret in its environment: "+e.Name)
		}
		for _, probe := range []*core.Probe{c.LivenessProbe, c.StartupProbe, c.ReadinessProbe} {
			bad(probe != nil && !strings.HasPrefix(probe.HTTPGet.Path, "/-/"), "is restarted by more than its own health")
		}
	}
}

// checkPolicy: names must resolve and Kafka must be reached, or the policy is an outage.
func checkPolicy(t *testing.T, name string, p *networking.NetworkPolicy) {
	t.Helper()
	open := map[string]bool{}
	for _, rule := range p.Spec.Egress {
		for _, port := range rule.Ports {
			open[string(*port.Protocol)+"/"+port.Port.String()] = true
		}
	}
	if !open["UDP/53"] || !open["TCP/53"] || len(open) < 3 {
		t.Errorf("%s lets out only %v", name, open)
	}
	if len(p.Spec.Ingress) == 0 || p.Spec.Ingress[0].Ports[0].Port.String() != "http" {
		t.Errorf("%s lets nobody scrape", name)
	}
}

// checkConfigs lets kafka_prober itself read each configuration among the documents. Agents leave to the
// central prober what would cost the brokers once per node.
func checkConfigs(t *testing.T, docs []document) {
	t.Helper()
	for _, d := range docs {
		m, is := d.object.(*core.ConfigMap)
		if !is {
			continue
		}
		for key, text := range m.Data {
			if filepath.Ext(key) != ".yml" {
				continue
			}
			path := filepath.Join(t.TempDir(), key)
			write(t, path, text)
			run(t, prober(t), "check", "--config-only", "--config.file="+path)
			if key == "agents.yml" {
				checkAgents(t, text)
			}
		}
	}
}

// collectors are those that docs/configuration.md knows.
var collectors = regexp.MustCompile("(?m)^#+ Collector `([a-z_]+)`\n\n.*On by default")

func checkAgents(t *testing.T, text string) {
	t.Helper()
	var file struct {
		Clusters []struct {
			TopicManagement string          `json:"topic_management"`
			Collectors      map[string]bool `json:"collectors"`
			Probes          []struct{ Kind string }
		}
	}
	if err := yaml.Unmarshal([]byte(text), &file); err != nil {
		t.Fatal(err)
	}
	known := collectors.FindAllStringSubmatch(read(t, "docs/configuration.md"), -1)
	if len(known) < 5 {
		t.Fatalf("docs/configuration.md names only %d collectors", len(known))
	}
	for _, c := range file.Clusters {
		if c.TopicManagement != "none" {
			t.Errorf("agents manage topics: %q", c.TopicManagement)
		}
		for _, name := range known {
			if on, said := c.Collectors[name[1]]; on || !said {
				t.Errorf("agents run the collector %s: switch it off in values.yaml", name[1])
			}
		}
		for _, p := range c.Probes {
			if p.Kind != "steady" && p.Kind != "connect" {
				t.Errorf("agents run the probe %s", p.Kind)
			}
		}
	}
}
