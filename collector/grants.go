package collector

import (
	"sync"

	"github.com/kafka-prober/kafka_prober/internal/kind"
)

// grants gathers, over one refresh, whether a signal was given to anybody: a
// right that is missing for one of many topics or groups is not a missing
// signal. The zero value is ready. Safe for concurrent use.
type grants struct {
	mu      sync.Mutex
	given   bool
	refusal error
}

// take notes an answer and returns whether it is one. Errors that are no
// refusal are counted as of the broker; so are refusals, for the parts they
// are missing.
func (g *grants) take(account *Account, broker int32, err error) bool {
	if err != nil {
		account.Failed(broker, err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case err == nil:
		g.given = true
	case withheld(err):
		g.refusal = err
	}
	return err == nil
}

// refuse notes that the signal is refused as a whole.
func (g *grants) refuse(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refusal = err
}

// report tells the account, once all have answered.
func (g *grants) report(account *Account, signal string, right kind.Right) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.given:
		account.Available(signal)
	case g.refusal != nil:
		account.Unavailable(signal, right, g.refusal)
	}
}
