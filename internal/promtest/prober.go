package promtest

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/child"
)

// BuildProber builds kafka_prober into the folder of a test, or of a whole package's TestMain, and returns
// its path.
func BuildProber(dir string) (string, error) {
	path := filepath.Join(dir, "kafka_prober")
	const stamp = "-X github.com/prometheus/common/version.Version=0.0.0-test" // or the label version is absent
	out, err := exec.Command("go", "build", "-ldflags", stamp, "-o", path, "github.com/kafka-prober/kafka_prober").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build kafka_prober: %w\n%s", err, out)
	}
	return path, nil
}

// StartProber starts a built kafka_prober with a configuration on an address, and waits until it serves.
func StartProber(t testing.TB, binary, config, address string) *child.Process {
	t.Helper()
	p := StartProcess(t, binary, "--config.file="+File(t, "kafka_prober.yml", config), "--web.listen-address="+address)
	Await(t, 20*time.Second, "kafka_prober to serve", func() bool { return reachable("http://" + address + "/-/ready") })
	return p
}
