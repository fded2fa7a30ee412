package deploytest

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	v1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"sigs.k8s.io/yaml"
)

// TestAPIServer asks a real Kubernetes API server, with prometheus-operator's custom resources, whether it
// would take what the charts and the kustomization make: by server-side apply as a dry run, fields checked
// strictly, under the restricted Pod Security Standard.
func TestAPIServer(t *testing.T) {
	t.Parallel()
	s := startAPIServer(t)
	for _, chart := range []string{chart, benchChart} {
		for _, values := range valuesFiles(t, chart) {
			for _, d := range render(t, chart, "--values="+values) {
				if err := s.apply(t, d.yaml); err != nil {
					t.Errorf("%s, %s: %v", values, d.name(), err)
				}
			}
		}
	}
	for _, dir := range kustomizations(t) {
		for _, d := range documents(t, run(t, "kustomize", "build", dir)) {
			if err := s.apply(t, d.yaml); err != nil {
				t.Errorf("%s, %s: %v", dir, d.name(), err)
			}
		}
	}
	// The server looks at what is meant: each planted mistake is refused, by its name.
	for _, d := range render(t, chart, "--values="+filepath.Join(root, chart, "ci/everything-values.yaml")) {
		for _, planted := range []struct{ kind, right, wrong string }{
			{"DaemonSet", "hostNetwork:", "hostNetwrok:"},
			{"Deployment", "replicas:", "replica:"},
			{"PodMonitor", "podMetricsEndpoints:", "podMetricEndpoints:"},
			{"NetworkPolicy", "protocol: TCP", "protocol: TPC"},
			{"PrometheusRule", "expr:", "expression:"},
		} {
			if d.kind() != planted.kind || !strings.Contains(d.yaml, planted.right) {
				continue
			}
			_, word, _ := strings.Cut(planted.wrong, ": ")
			if word == "" {
				word = strings.TrimSuffix(planted.wrong, ":")
			}
			if err := s.apply(t, strings.ReplaceAll(d.yaml, planted.right, planted.wrong)); err == nil || !strings.Contains(err.Error(), word) {
				t.Errorf("%s with %q: %v", d.name(), planted.wrong, err)
			}
		}
	}
	if s.applied < 30 {
		t.Errorf("only %d documents were put to the server", s.applied)
	}
	t.Logf("%d documents taken by Kubernetes %s", s.applied, s.version)
}

// apiServer is a running kube-apiserver.
type apiServer struct {
	client  dynamic.Interface
	mapper  meta.RESTMapper
	version string
	applied int
}

// apply puts a document to the server, which changes nothing.
func (s *apiServer) apply(t *testing.T, text string) error {
	t.Helper()
	return s.put(t, text, v1.PatchOptions{FieldManager: "test", FieldValidation: v1.FieldValidationStrict, DryRun: []string{v1.DryRunAll}, Force: new(bool)})
}

func (s *apiServer) put(t *testing.T, text string, options v1.PatchOptions) error {
	t.Helper()
	body, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var o unstructured.Unstructured
	if err := o.UnmarshalJSON(body); err != nil {
		t.Fatal(err)
	}
	kind := o.GroupVersionKind()
	mapping, err := s.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return fmt.Errorf("unknown to the server: %w", err)
	}
	resource := dynamic.ResourceInterface(s.client.Resource(mapping.Resource))
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		namespace := o.GetNamespace()
		if namespace == "" {
			namespace = "monitoring"
		}
		resource = s.client.Resource(mapping.Resource).Namespace(namespace)
	}
	if _, err := resource.Patch(t.Context(), o.GetName(), types.ApplyPatchType, body, options); err != nil {
		return err
	}
	s.applied++
	return nil
}

// startAPIServer starts etcd and kube-apiserver on loopback, makes the namespace and the custom resources.
func startAPIServer(t *testing.T) *apiServer {
	t.Helper()
	dir := t.TempDir()
	etcd, peer, port := freePort(t), freePort(t), freePort(t)
	daemon(t, "etcd", "--data-dir="+filepath.Join(dir, "etcd"), "--unsafe-no-fsync",
		"--listen-client-urls=http://127.0.0.1:"+etcd, "--advertise-client-urls=http://127.0.0.1:"+etcd,
		"--listen-peer-urls=http://127.0.0.1:"+peer, "--initial-advertise-peer-urls=http://127.0.0.1:"+peer,
		"--initial-cluster=default=http://127.0.0.1:"+peer)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	keyFile, tokens := filepath.Join(dir, "key.pem"), filepath.Join(dir, "tokens.csv")
	write(t, keyFile, string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})))
	write(t, tokens, "of-this-test,admin,1,system:masters\n")
	daemon(t, "kube-apiserver", "--etcd-servers=http://127.0.0.1:"+etcd, "--bind-address=127.0.0.1", "--secure-port="+port,
		"--cert-dir="+filepath.Join(dir, "certs"), "--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file="+keyFile, "--service-account-signing-key-file="+keyFile, "--token-auth-file="+tokens,
		"--authorization-mode=RBAC", "--disable-admission-plugins=ServiceAccount", "--service-cluster-ip-range=10.96.0.0/16")
	config := &rest.Config{Host: "https://127.0.0.1:" + port, BearerToken: "of-this-test", QPS: 200, Burst: 200,
		TLSClientConfig: rest.TLSClientConfig{Insecure: true}}
	asker, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	s := new(apiServer)
	await(t, "kube-apiserver", func() (string, error) {
		body, err := asker.RESTClient().Get().AbsPath("/readyz").DoRaw(t.Context())
		return string(body), err
	})
	version, err := asker.ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	s.version = version.GitVersion
	if s.client, err = dynamic.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	s.discover(t, asker)
	forGood := v1.PatchOptions{FieldManager: "test", Force: new(bool)}
	if err := s.put(t, "{apiVersion: v1, kind: Namespace, metadata: {name: monitoring, labels: {pod-security.kubernetes.io/warn: restricted}}}", forGood); err != nil {
		t.Fatal(err)
	}
	operator := strings.TrimSpace(command{dir: filepath.Join(root, "deploy/test"),
		args: []string{"go", "list", "-m", "-f", "{{.Dir}}", "github.com/prometheus-operator/prometheus-operator"}}.must(t))
	for _, name := range []string{"podmonitors", "servicemonitors", "prometheusrules"} {
		if err := s.put(t, read(t, filepath.Join(operator, "example/prometheus-operator-crd/monitoring.coreos.com_"+name+".yaml")), forGood); err != nil {
			t.Fatal(err)
		}
	}
	await(t, "custom resources", func() (string, error) {
		s.discover(t, asker)
		_, err := s.mapper.RESTMapping(schema.GroupKind{Group: "monitoring.coreos.com", Kind: "PrometheusRule"}, "v1")
		if err == nil {
			_, err = s.mapper.RESTMapping(schema.GroupKind{Group: "monitoring.coreos.com", Kind: "PodMonitor"}, "v1")
		}
		return "", err
	})
	s.applied = 0
	return s
}

// discover learns what resources the server has.
func (s *apiServer) discover(t *testing.T, asker discovery.DiscoveryInterface) {
	t.Helper()
	groups, err := restmapper.GetAPIGroupResources(asker)
	if err != nil {
		t.Fatal(err)
	}
	s.mapper = restmapper.NewDiscoveryRESTMapper(groups)
}

// daemon runs a program until the test's end; what it said is shown if the test fails.
func daemon(t *testing.T, args ...string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		stop()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = cmd.Wait() // ended by us
		if t.Failed() {
			t.Logf("%s said\n%.20000s", args[0], log.String())
		}
	})
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
