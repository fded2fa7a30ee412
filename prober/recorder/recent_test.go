package recorder

import (
	"testing"
	"time"
)

func TestBucketsFollowOneAnother(t *testing.T) {
	for _, d := range []time.Duration{0, time.Microsecond, 15 << unitBits, 16 << unitBits, 31 << unitBits, 32 << unitBits,
		time.Millisecond, 2 * time.Second, 30 * time.Second, 10 * time.Minute} {
		if got := middle(bucket(d)); (got - d).Abs() > d/32+1<<unitBits {
			t.Errorf("%v: the middle of its bucket is %v", d, got)
		}
	}
	previous := 0
	for units := range 1 << 16 {
		b := bucket(time.Duration(units) << unitBits)
		if b != previous && b != previous+1 {
			t.Fatalf("%d units: bucket %d after %d", units, b, previous)
		}
		previous = b
	}
	if got := bucket(time.Hour * 24); got != recentBuckets-1 {
		t.Errorf("a day: bucket %d, want the last, %d", got, recentBuckets-1)
	}
	if got := bucket(-time.Second); got != 0 {
		t.Errorf("a negative duration: bucket %d, want 0", got)
	}
}
