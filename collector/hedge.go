package collector

import (
	"context"
	"time"
)

// A client sends a request that any broker can answer to one of them at random.
// A frozen one would cost the whole time limit, so a second and a third are
// asked if there is no answer by then.
const (
	hedgeAfter = 300 * time.Millisecond
	hedgeTries = 3
)

// hedge calls ask up to hedgeTries times, each hedgeAfter the one before or at
// once when all so far have failed. It returns the first success, the last error,
// or the context's when that ends. It does not wait for the calls that lost,
// though their context is cancelled: kgo.Client.Request overstays its context
// while it opens a connection to a frozen broker, until the request timeout.
func hedge[T any](ctx context.Context, ask func(context.Context) (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan answer, hedgeTries)
	pending, tries := 0, 0
	try := func() {
		pending++
		tries++
		go func() {
			value, err := ask(ctx)
			answers <- answer{value, err}
		}()
	}
	timer := time.NewTimer(hedgeAfter)
	defer timer.Stop()
	try()
	for {
		select {
		case a := <-answers:
			pending--
			if a.err == nil || pending == 0 && tries == hedgeTries {
				return a.value, a.err
			}
			if pending > 0 {
				continue
			}
		case <-timer.C:
			if tries == hedgeTries {
				continue
			}
		case <-ctx.Done():
			var none T
			return none, ctx.Err()
		}
		try()
		timer.Reset(hedgeAfter)
	}
}
