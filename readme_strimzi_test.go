package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/kafka-prober/kafka_prober/collector"
	"github.com/kafka-prober/kafka_prober/internal/kind"
	"github.com/kafka-prober/kafka_prober/prober"
	"github.com/kafka-prober/kafka_prober/prober/topics"
)

const strimziExamples = "deploy/helm/kafka-prober/examples/"

// TestReadmeStrimziTopics: the example's topics are those that check prints.
func TestReadmeStrimziTopics(t *testing.T) {
	t.Parallel()
	config := writeConfig(t, nil, "clusters: [{name: my-cluster, bootstrap_servers: [\"my-cluster-kafka-bootstrap:9093\"]}]")
	got := runCommand("check", "--print-topics=strimzi", "--brokers=3", "--config.file="+config)
	got.says(t, 0, "kind: KafkaTopic")
	checkGolden(t, "../"+strimziExamples+"strimzi-topics.yaml", got.stdout)
}

// TestReadmeStrimziUser: the example's user may do all that probes and collectors need while somebody else
// looks after the topics, and nothing else.
func TestReadmeStrimziUser(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(strimziExamples + "strimzi-user.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var user struct {
		Spec struct {
			Authorization struct {
				ACLs []struct {
					Resource   struct{ Type, Name string }
					Operations []string
				}
			}
		}
	}
	if err := yaml.Unmarshal(text, &user); err != nil {
		t.Fatal(err)
	}
	var needed []kind.Right
	for _, k := range prober.Kinds.All() {
		needed = append(needed, k.New().(prober.Settings).Rights(topics.ModeNone)...)
	}
	for _, k := range collector.Kinds.All() {
		if settings, needs := k.New().(collector.WithRights); needs {
			needed = append(needed, settings.Rights()...)
		}
	}
	used := map[string]bool{}
	for _, right := range needed {
		covered := false
		for _, acl := range user.Spec.Authorization.ACLs {
			r := acl.Resource
			named := r.Type == "cluster" || r.Name == right.ResourceName || strings.HasSuffix(r.Name, "-") && strings.HasPrefix(right.ResourceName, r.Name)
			if strings.EqualFold(r.Type, right.ResourceType) && named && slices.Contains(acl.Operations, right.Operation) {
				covered, used[r.Type+r.Name+right.Operation] = true, true
			}
		}
		if !covered {
			t.Errorf("the user may not %s", right)
		}
	}
	for _, acl := range user.Spec.Authorization.ACLs {
		for _, operation := range acl.Operations {
			if !used[acl.Resource.Type+acl.Resource.Name+operation] {
				t.Errorf("the user may %s on %s %s, which nothing needs", operation, acl.Resource.Type, acl.Resource.Name)
			}
		}
	}
}
