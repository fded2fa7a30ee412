package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-prober/kafka_prober/internal/config"
	"github.com/kafka-prober/kafka_prober/internal/kafka"
	"github.com/kafka-prober/kafka_prober/prober"
	"github.com/kafka-prober/kafka_prober/prober/connect"
	"github.com/kafka-prober/kafka_prober/prober/reach"
)

// checkBootstrap asks each bootstrap server by itself, as a client is content with any of them and would
// not show that the others are misspelt. It returns whether one answers.
func checkBootstrap(ctx context.Context, c config.Cluster, log *slog.Logger, r *report) bool {
	factory := newFactory(c, log, nil)
	if err := factory.Credentials(); err != nil {
		r.problem("%v", err)
		return false
	}
	answers := sideBySide(c.BootstrapServers, func(server string) error { return reachServer(ctx, c, server, log) })
	reached := slices.Contains(answers, nil)
	tell := r.warn // one that answers is enough
	if !reached {
		tell = r.problem
	}
	for i, server := range c.BootstrapServers {
		switch err := answers[i]; {
		case err == nil:
			r.ok("bootstrap server %s answers", server)
		case kafka.Reason(err) == kafka.ReasonNoResponse && speaksHTTP(ctx, factory, server):
			tell("bootstrap server %s can't be used: an HTTP server answers there, not Kafka", server)
		default:
			tell("bootstrap server %s can't be used: %s (%v)", server, advice(err), err)
		}
	}
	if !reached {
		r.problem("no broker can be reached, so nothing more can be said; the daemon would go on trying")
	}
	return reached
}

// reachServer asks one bootstrap server as a client would, or, where there is TLS or SASL and so more that
// can go wrong, step by step: the error is then a *connect.Error.
func reachServer(ctx context.Context, c config.Cluster, server string, log *slog.Logger) error {
	c.BootstrapServers = []string{server}
	if c.TLS == nil && c.SASL == nil {
		client, err := askingClient(c, "check", 0, log)
		if err != nil {
			return err
		}
		defer client.Close()
		err = client.Ping(ctx)
		switch kafka.Reason(err) {
		case kafka.ReasonClosedOnConnect, kafka.ReasonConnectionClosed, kafka.ReasonConnectionReset, kafka.ReasonTLSError:
			// The listener may want TLS or SASL: the phase tells.
		default:
			return err
		}
	}
	_, _, err := prober.Walker(newFactory(c, log, nil), answerTimeout).Walk(ctx, connect.Broker{ID: reach.UnknownBroker, Addr: server})
	return err
}

// speaksHTTP returns whether an HTTP server answers at an address. Most of them wait in silence for the
// end of the line that Kafka's protocol does not have, and so look like a frozen broker.
func speaksHTTP(ctx context.Context, factory *kafka.Factory, server string) bool {
	address, err := factory.Address(server)
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if conn.SetDeadline(deadline) != nil {
		return false
	}
	if _, err := io.WriteString(conn, "HEAD / HTTP/1.0\r\n\r\n"); err != nil {
		return false
	}
	answer := make([]byte, len("HTTP/"))
	_, err = io.ReadFull(conn, answer)
	return err == nil && string(answer) == "HTTP/"
}

// checkBrokers asks every broker something that needs no right, at the address that it advertises.
func checkBrokers(ctx context.Context, client *kgo.Client, c config.Cluster, r *report) {
	meta, err := kmsg.NewPtrMetadataRequest().RequestWith(ctx, client)
	if err != nil {
		r.problem("no broker says which others there are: %s (%v)", advice(err), err)
		return
	}
	slices.SortFunc(meta.Brokers, func(a, b kmsg.MetadataResponseBroker) int { return int(a.NodeID) - int(b.NodeID) })
	answers := sideBySide(meta.Brokers, func(b kmsg.MetadataResponseBroker) error {
		_, err := client.Broker(int(b.NodeID)).Request(ctx, kmsg.NewPtrApiVersionsRequest())
		return err
	})
	for i, b := range meta.Brokers {
		if err := answers[i]; err != nil {
			r.problem("broker %d can't be reached at %s:%d, the address that it advertises: %s (%v)", b.NodeID, b.Host, b.Port, advice(err), err)
			continue
		}
		r.ok("broker %d at %s:%d answers", b.NodeID, b.Host, b.Port)
	}
	if n := len(meta.Brokers); n < c.ExpectedBrokers {
		r.problem("the cluster has %d broker(s), expected_brokers says %d: start the others, or mend the configuration", n, c.ExpectedBrokers)
	}
}

// sideBySide asks each at the same time, so that one that is frozen does not use up the others' time,
// and returns their answers in order.
func sideBySide[T any](each []T, ask func(T) error) []error {
	answers := make([]error, len(each))
	var wait sync.WaitGroup
	for i, one := range each {
		wait.Go(func() { answers[i] = ask(one) })
	}
	wait.Wait()
	return answers
}
