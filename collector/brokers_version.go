package collector

import (
	"context"
	"encoding/binary"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// askVersions asks a broker which requests it knows. From version 3 on brokers answer none to who does not say what
// software it is, and kgo says so only where it chooses the broker.
func askVersions(ctx context.Context, client *kgo.Client, broker *kgo.Broker) (*kmsg.ApiVersionsResponse, error) {
	req := kmsg.NewPtrApiVersionsRequest()
	software := client.OptValues(kgo.SoftwareNameAndVersion)
	req.ClientSoftwareName, req.ClientSoftwareVersion = software[0].(string), software[1].(string)
	resp, err := req.RequestWith(ctx, broker)
	if err != nil {
		return nil, err
	}
	return resp, kerr.ErrorForCode(resp.ErrorCode)
}

// versions tells brokers' versions by the requests that they know. It remembers, as a guess costs a hundred
// kilobytes of garbage and every broker is asked every few seconds: without, that would be most of what the
// prober allocates on a cluster of a hundred brokers. It is safe for concurrent use.
type versions struct {
	mu   sync.Mutex
	told map[string]string // by keyOf
}

// maxVersions is how many sets of requests are remembered. A cluster has a few, also while it is upgraded.
const maxVersions = 32

// of tells the version of a broker that knows these requests.
func (v *versions) of(known *kmsg.ApiVersionsResponse) string {
	key := keyOf(known)
	v.mu.Lock()
	defer v.mu.Unlock()
	version, told := v.told[string(key)]
	if !told {
		if v.told == nil || len(v.told) >= maxVersions {
			v.told = map[string]string{}
		}
		version = kafkaVersion(known)
		v.told[string(key)] = version
	}
	return version
}

// keyOf is what tells one version from another: each request's key and highest version.
func keyOf(known *kmsg.ApiVersionsResponse) []byte {
	key := make([]byte, 0, 4*len(known.ApiKeys))
	for _, k := range known.ApiKeys {
		key = binary.BigEndian.AppendUint16(key, uint16(k.ApiKey))
		key = binary.BigEndian.AppendUint16(key, uint16(k.MaxVersion))
	}
	return key
}

// kafkaVersion tells a broker's version by the requests that it knows, such as
// 4.1, or what it is at least or between; empty where they are no release's.
func kafkaVersion(known *kmsg.ApiVersionsResponse) string {
	guess := kversion.FromApiVersionsResponse(known).VersionGuess()
	if strings.HasPrefix(guess, "unknown") || strings.HasPrefix(guess, "not even") {
		return ""
	}
	return strings.ReplaceAll(guess, "v", "")
}
