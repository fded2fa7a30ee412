package collector

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

func TestVersions(t *testing.T) {
	unknown := kversion.V0_8_0()
	unknown.SetMaxKeyVersion(0, 100)
	unknown.SetMaxKeyVersion(1, -1)
	var told versions
	for want, known := range map[string]*kversion.Versions{
		"2.8": kversion.V2_8_0(), "3.9": kversion.V3_9_0(), "4.1": kversion.V4_1_0(), "": unknown,
	} {
		resp := kmsg.NewPtrApiVersionsResponse()
		known.EachMaxKeyVersion(func(key, version int16) {
			resp.ApiKeys = append(resp.ApiKeys, kmsg.ApiVersionsResponseApiKey{ApiKey: key, MaxVersion: version})
		})
		for range 2 { // guessed, and remembered
			if got := told.of(resp); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	}
}
