package deploytest

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

// document is one manifest, as text and decoded.
type document struct {
	yaml   string
	object runtime.Object
	meta   meta.Object
}

func (d document) kind() string { return d.object.GetObjectKind().GroupVersionKind().Kind }
func (d document) name() string { return d.kind() + "/" + d.meta.GetName() }

// strict decodes and refuses fields that the types do not have, and fields that come twice.
var strict = func() runtime.Decoder {
	if err := monitoring.AddToScheme(scheme.Scheme); err != nil {
		panic(err)
	}
	return serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
}()

var separator = regexp.MustCompile(`(?m)^---\s*$`)

// documents decodes a stream of manifests.
func documents(t *testing.T, text string) []document {
	t.Helper()
	var docs []document
	for _, part := range separator.Split(text, -1) {
		var any map[string]any
		if err := yaml.Unmarshal([]byte(part), &any); err != nil {
			t.Fatalf("not YAML: %v\n%s", err, part)
		}
		if len(any) == 0 {
			continue // comments
		}
		object, _, err := strict.Decode([]byte(part), nil, nil)
		if err != nil {
			t.Errorf("%v\nin\n%s", err, part)
			continue
		}
		accessor, ok := object.(meta.Object)
		if !ok {
			t.Fatalf("%T has no metadata", object)
		}
		docs = append(docs, document{part, object, accessor})
	}
	return docs
}

// podOf returns the pod that a workload makes.
func podOf(object runtime.Object) *core.PodTemplateSpec {
	switch w := object.(type) {
	case *apps.DaemonSet:
		return &w.Spec.Template
	case *apps.Deployment:
		return &w.Spec.Template
	case *batch.Job:
		return &w.Spec.Template
	}
	return nil
}

// selectors lists the selector of each workload and service.
func selectors(t *testing.T, docs []document) string {
	t.Helper()
	var b strings.Builder
	for _, d := range docs {
		switch w := d.object.(type) {
		case *apps.DaemonSet:
			fmt.Fprintln(&b, d.name(), meta.FormatLabelSelector(w.Spec.Selector))
		case *apps.Deployment:
			fmt.Fprintln(&b, d.name(), meta.FormatLabelSelector(w.Spec.Selector))
		case *core.Service:
			fmt.Fprintln(&b, d.name(), meta.FormatLabelSelector(&meta.LabelSelector{MatchLabels: w.Spec.Selector}))
		}
	}
	return b.String()
}

// rules returns the rules of all PrometheusRules.
func rules(t *testing.T, docs []document) []monitoring.Rule {
	t.Helper()
	var all []monitoring.Rule
	for _, d := range docs {
		if r, is := d.object.(*monitoring.PrometheusRule); is {
			for _, g := range r.Spec.Groups {
				all = append(all, g.Rules...)
			}
		}
	}
	return all
}

// rulesOf returns the rules of a file of Prometheus'.
func rulesOf(t *testing.T, path string) []monitoring.Rule {
	t.Helper()
	var file monitoring.PrometheusRuleSpec
	if err := yaml.UnmarshalStrict([]byte(read(t, path)), &file); err != nil {
		t.Fatal(err)
	}
	var all []monitoring.Rule
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	return all
}
