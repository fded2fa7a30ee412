package deploytest

// The repository of prometheus-operator holds the custom resource definitions that apiserver_test.go
// installs; importing the smallest of its packages keeps its version in go.mod.
import _ "github.com/prometheus-operator/prometheus-operator/pkg/versionutil"
