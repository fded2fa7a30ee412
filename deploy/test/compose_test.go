package deploytest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

const stack = "deploy/compose"

func loadStack(t *testing.T, profiles ...string) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{filepath.Join(root, stack, "compose.yaml")},
		cli.WithProfiles(profiles), cli.WithResolvedPaths(true))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

// TestCompose loads the example stack as docker compose does and looks at each service.
func TestCompose(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		profiles []string
		services int
	}{{nil, 7}, {[]string{"sasl"}, 9}, {[]string{"classic"}, 8}, {[]string{"*"}, 10}} {
		project := loadStack(t, tt.profiles...)
		if len(project.Services) != tt.services {
			t.Errorf("profiles %v: services %v", tt.profiles, project.ServiceNames())
		}
		for name, service := range project.Services {
			checkService(t, name, service)
		}
	}
	brokers := loadStack(t)
	for _, name := range []string{"kafka-1", "kafka-2", "kafka-3"} {
		if s := brokers.Services[name]; s.HealthCheck == nil || !strings.Contains(*s.Environment["KAFKA_OPTS"], "-javaagent:/opt/jmx/agent.jar=9404:") {
			t.Errorf("%s has no healthcheck or no JMX page", name)
		}
	}
	for _, file := range []string{"kafka_prober.yml", "kafka_prober-sasl.yml"} {
		run(t, prober(t), "check", "--config-only", "--config.file="+filepath.Join(stack, file))
	}
}

// checkService: what is mounted exists, ports are this machine's only, and images have versions.
func checkService(t *testing.T, name string, s types.ServiceConfig) {
	t.Helper()
	for _, v := range s.Volumes {
		if _, err := os.Stat(v.Source); err != nil || !v.ReadOnly {
			t.Errorf("%s mounts %s: read-only %v, %v", name, v.Source, v.ReadOnly, err)
		}
	}
	for _, p := range s.Ports {
		if p.HostIP != "127.0.0.1" {
			t.Errorf("%s opens port %s to the network", name, p.Published)
		}
	}
	if s.Build == nil && (!strings.Contains(s.Image, ":") || strings.HasSuffix(s.Image, ":latest")) {
		t.Errorf("%s has the image %q", name, s.Image)
	}
	if s.Build != nil {
		if _, err := os.Stat(filepath.Join(s.Build.Context, "Dockerfile")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestComposeMonitoring lets Prometheus' and Alertmanager's own tools read the stack's configurations, and
// the examples beside it, with the paths that the containers see.
func TestComposeMonitoring(t *testing.T) {
	t.Parallel()
	rules := filepath.Join(root, "alerts")
	for _, path := range append(glob(t, stack+"/prometheus/*.yml"), glob(t, "deploy/prometheus*.yml")...) {
		if text := read(t, path); strings.Contains(text, "/etc/prometheus/alerts") { // where compose mounts them
			path = filepath.Join(t.TempDir(), filepath.Base(path))
			text = strings.ReplaceAll(text, "/etc/prometheus/alerts", rules)
			// Our promtool is built without service discoveries.
			write(t, path, regexp.MustCompile(`dns_sd_configs: \[\{names: \[([a-z_-]+)\], type: A, port: ([0-9]+)\}\]`).
				ReplaceAllString(text, `static_configs: [{targets: ["$1:$2"]}]`))
		}
		if out := run(t, "promtool", "check", "config", path); !strings.Contains(out, "SUCCESS") || !strings.Contains(out, "rules found") {
			t.Errorf("%s:\n%s", path, out)
		}
	}
	for _, path := range append(glob(t, stack+"/alertmanager.yml"), glob(t, "deploy/alertmanager*.yml")...) {
		run(t, "amtool", "check-config", path)
	}
	planted := filepath.Join(t.TempDir(), "planted.yml")
	write(t, planted, strings.Replace(read(t, stack+"/alertmanager.yml"), "group_by", "groop_by", 1))
	refused(t, []string{"amtool", "check-config", planted}, "groop_by")
}
