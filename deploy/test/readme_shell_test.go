package deploytest

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// notHere are commands of the documentation that are not run, each with its reason.
var notHere = []struct{ begins, why string }{
	{"make ", "make -n says whether there is such a target; they build what is running here"},
	{"docker ", "no container engine; TestCompose loads the stack"},
	{"helm install", "no cluster; TestAPIServer puts the chart to a real API server"},
	{"sudo", "the machine's own service manager; TestPackages installs in a chroot"},
	{"kafka-acls.sh ", "Kafka's own tool"},
}

// commandsOf returns the commands that a document shows: lines of blocks without a language or of sh,
// continued ones joined, without comments and without the explanation beside them.
func commandsOf(text string) []string {
	var all []string
	inside, shell := false, false
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		line = strings.TrimRight(line, "\n")
		if language, fence := strings.CutPrefix(line, "```"); fence {
			inside = !inside
			shell = inside && (language == "" || language == "sh")
			continue
		}
		if !shell || line == "" || strings.HasPrefix(line, " ") || strings.Contains(line, "{broker=") {
			continue
		}
		line, _, _ = strings.Cut(line, " #")
		line = regexp.MustCompile(` {2,}[a-z].*`).ReplaceAllString(line, "")
		all = append(all, strings.Join(strings.Fields(line), " "))
	}
	return all
}

// TestReadmeCommands follows the documentation on the demo's cluster: each command that it shows and that
// can run here ends well, as shown but for addresses and files.
func TestReadmeCommands(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Symlink(prober(t), filepath.Join(dir, "kafka_prober")); err != nil {
		t.Fatal(err)
	}
	daemon(t, prober(t), "demo", "--calm", "--web.listen-address=127.0.0.1:10092", "--log.level=error")
	await(t, "the demo", func() (string, error) { return command{args: []string{prober(t), "healthcheck"}}.output(t) })
	servers := demoServers(t)
	config, properties := filepath.Join(dir, "kafka_prober.yml"), filepath.Join(dir, "client.properties")
	write(t, config, fmt.Sprintf("clusters: [{name: prod, bootstrap_servers: [%s]}]\n", strings.ReplaceAll(servers, ",", ", ")))
	write(t, properties, "bootstrap.servers="+servers+"\n")
	as := strings.NewReplacer("kafka-1:9092,kafka-2:9092", servers, "--properties=FILE", "--properties="+properties,
		"/etc/kafka_prober/kafka_prober.yml", config, "localhost:10092", "127.0.0.1:10092")
	ran := map[string]bool{}
	for _, document := range []string{"README.md", "docs/installation.md", "docs/acls.md", "docs/upgrading.md"} {
	commands:
		for _, line := range commandsOf(read(t, document)) {
			if target, is := strings.CutPrefix(line, "make "); is {
				run(t, "make", "-n", target)
			}
			for _, p := range notHere {
				if strings.HasPrefix(line, p.begins) {
					continue commands
				}
			}
			shown := line
			line = as.Replace(line)
			switch {
			case strings.HasPrefix(line, "kafka_prober --kafka."): // a daemon: it does not end by itself
				daemon(t, "bash", "-c", "exec "+filepath.Join(dir, line)+" --web.listen-address=127.0.0.1:10494")
				line = "kafka_prober healthcheck --url=http://127.0.0.1:10494/-/healthy"
			case strings.HasPrefix(line, "kafka_prober check") && !strings.Contains(line, "--config.file") && !strings.Contains(line, "--kafka.") && !strings.Contains(line, "--properties"),
				strings.HasPrefix(line, "kafka_prober cleanup"):
				line += " --config.file=" + config
			case line == "kafka_prober compare", line == "kafka_prober producer-perf-test": // names, without what they are given
				line += " --help"
			case line == "kafka_prober bench":
				line += " --config.file=" + config + " --records=1000 --quiet"
			}
			await(t, fmt.Sprintf("%s shows %q", document, shown), func() (string, error) {
				return command{stdin: "no\n", env: []string{"PATH=" + dir + ":" + os.Getenv("PATH")}, args: []string{"bash", "-c", line}}.output(t)
			})
			ran[shown] = true
		}
	}
	if len(ran) < 7 {
		t.Errorf("only these commands of the documentation were run: %v", ran)
	}
	for shown := range ran {
		t.Log(shown)
	}
}

// demoServers asks the demo which brokers it has.
func demoServers(t *testing.T) string {
	t.Helper()
	resp, err := http.Get("http://127.0.0.1:10092/config")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Clusters []struct {
			Servers []string `json:"bootstrap_servers"`
		}
	}
	if err := yaml.Unmarshal(body, &file); err != nil || len(file.Clusters) == 0 {
		t.Fatalf("the demo's configuration: %v\n%s", err, body)
	}
	return strings.Join(file.Clusters[0].Servers, ",")
}
