package recorder

import (
	"math/bits"
	"time"
)

// window is how long a window of recent latencies lasts. Quantiles are over the last one to two.
const window = 2 * time.Minute

// Latencies fall into buckets that are linear within each doubling: index = 16 * exponent + the five
// leading bits, of units of 1.024 us (ns >> unitBits). So a quantile is right within 1/32.
const (
	unitBits      = 10
	recentBuckets = 16 * 28 // up to 2^31 units: 36 minutes
)

// recent is the latencies of the last minutes, for the landing page, where no Prometheus works out a
// quantile. It costs 3.6 KiB and no allocation. It is not safe for concurrent use.
type recent struct {
	since         time.Time // when now began
	now, previous latencies
}

type latencies struct {
	count   uint64
	max     time.Duration
	buckets [recentBuckets]uint32
}

// turn starts a new window if the current one is over.
func (r *recent) turn(now time.Time) {
	age := now.Sub(r.since)
	if age < window {
		return
	}
	if age < 2*window {
		r.previous = r.now
	} else {
		r.previous = latencies{}
	}
	r.now, r.since = latencies{}, now
}

func (r *recent) add(d time.Duration) {
	r.now.count++
	r.now.max = max(r.now.max, d)
	r.now.buckets[bucket(d)]++
}

// quantile returns the latency that share q of the records did not exceed; 0 if there are none. In the
// highest bucket it is the highest latency itself, so that a timeout reads as what was configured.
func (r *recent) quantile(q float64) time.Duration {
	highest := max(r.now.max, r.previous.max)
	rank := q * float64(r.now.count+r.previous.count)
	var seen uint64
	for i := range recentBuckets {
		seen += uint64(r.now.buckets[i]) + uint64(r.previous.buckets[i])
		if seen > 0 && float64(seen) >= rank {
			if i == bucket(highest) {
				return highest
			}
			return middle(i)
		}
	}
	return 0
}

// bucket returns the index of the bucket that d falls in.
func bucket(d time.Duration) int {
	units := uint64(max(d, 0)) >> unitBits
	exponent := max(0, bits.Len64(units)-5)
	return min(exponent*16+int(units>>exponent), recentBuckets-1)
}

// middle returns the latency in the middle of a bucket.
func middle(i int) time.Duration {
	exponent := max(0, i/16-1)
	lower := uint64(i-16*exponent) << exponent
	return time.Duration(lower<<unitBits + 1<<(exponent+unitBits)/2)
}
