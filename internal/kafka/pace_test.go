package kafka

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestPacedDial lets a dozen clients dial an address that refuses, and then accepts: while it refuses they dial
// it ten times a second, all together, and later four times, and each hears so; when it accepts, each gets a connection of its own at once.
func TestPacedDial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const (
			clients = 12
			outage  = 10 * time.Second
		)
		refused := errors.New("connection refused")
		var up atomic.Bool
		var dials atomic.Int64
		var p pacer
		dial := p.paced(func(context.Context, string, string) (net.Conn, error) {
			dials.Add(1)
			if !up.Load() {
				return nil, refused
			}
			near, far := net.Pipe()
			_ = far.Close()
			return near, nil
		})
		var back time.Time
		var slowest atomic.Int64
		var all sync.WaitGroup
		for range clients {
			all.Go(func() {
				for {
					conn, err := dial(t.Context(), "tcp", "broker:9092")
					if err == nil {
						_ = conn.Close()
						slowest.Store(max(slowest.Load(), int64(time.Since(back))))
						return
					}
					if !errors.Is(err, refused) {
						t.Errorf("error %v, want %v", err, refused)
					}
					<-time.After(backoff(10))
				}
			})
		}
		<-time.After(outage)
		synctest.Wait()
		if n, most := dials.Load(), clients+int64(longOutage/dialPause+(outage-longOutage)/longDialPause)+1; n > most || n < most/2 {
			t.Errorf("%d dials in %v, want at most %d and not many fewer", n, outage, most)
		}
		back = time.Now()
		up.Store(true)
		all.Wait()
		if took := time.Duration(slowest.Load()); took > longDialPause+maxBackoff {
			t.Errorf("the last client was back after %v, want at most %v", took, longDialPause+maxBackoff)
		}
		if conn, err := dial(t.Context(), "tcp", "elsewhere:9092"); err != nil {
			t.Errorf("another address: %v", err)
		} else {
			_ = conn.Close()
		}
	})
}

// TestPacedDialEnds cancels a dial that waits for its turn.
func TestPacedDialEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pacer
		dial := p.paced(func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("refused") })
		_, _ = dial(t.Context(), "tcp", "broker:9092")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		began := time.Now()
		if _, err := dial(ctx, "tcp", "broker:9092"); !errors.Is(err, context.Canceled) || time.Since(began) > 0 {
			t.Errorf("error %v after %v, want %v at once", err, time.Since(began), context.Canceled)
		}
	})
}
