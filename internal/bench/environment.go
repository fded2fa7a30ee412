package bench

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/prometheus/common/version"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kversion"
)

// Environment is where a report comes from: without it figures can't be compared.
type Environment struct {
	Version   string `json:"version"`  // of kafka_prober
	Revision  string `json:"revision"` // of its source
	Go        string `json:"go"`       // version
	Client    string `json:"client"`   // Kafka client library and its version
	OS        string `json:"os"`       // operating system and architecture
	CPUs      int    `json:"cpus"`     // that Go may use
	Host      string `json:"host"`     // name
	Kafka     string `json:"kafka"`    // version, as far as the brokers' API versions tell
	ClusterID string `json:"cluster_id"`
	Brokers   int    `json:"brokers"`
}

// newEnvironment asks the cluster what there is to know; what it does not tell stays empty.
func newEnvironment(ctx context.Context, env Env) Environment {
	e := Environment{
		Version: version.Version, Revision: version.Revision, Go: runtime.Version(), Client: "franz-go",
		OS: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.GOMAXPROCS(0),
	}
	e.Host, _ = os.Hostname()
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "github.com/twmb/franz-go" {
				e.Client += " " + m.Version
			}
		}
	}
	client, err := env.Client("admin")
	if err != nil {
		return e
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	admin := kadm.NewClient(client)
	if seen, err := admin.BrokerMetadata(ctx); err == nil {
		e.ClusterID, e.Brokers = seen.Cluster, len(seen.Brokers)
	}
	if versions, err := admin.ApiVersions(ctx); err == nil {
		for _, v := range versions.Sorted() {
			if v.Err == nil {
				e.Kafka = v.VersionGuess(kversion.SkipKeys())
				break
			}
		}
	}
	return e
}
