package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/web"
)

// healthTimeout is how long the process may take to answer; one that is hung takes for ever.
const healthTimeout = 3 * time.Second

// runHealthcheck asks a running kafka_prober whether it is healthy: for images that have no shell to ask
// with. Like the page it asks for it says nothing of Kafka.
func runHealthcheck(url string, out io.Writer) error {
	ctx, cancel := context.WithTimeout(context.Background(), healthTimeout)
	defer cancel()
	if err := web.AskHealth(ctx, url); err != nil {
		return err
	}
	fmt.Fprintln(out, "healthy")
	return nil
}
