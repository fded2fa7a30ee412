package kafka_test

import (
	"context"
	"io"
	"log"
	"log/slog"
	"net"
	"os"
	"reflect"
	"syscall"
	"testing"

	"github.com/kafka-prober/kafka_prober/internal/kafka"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var (
	quiet = slog.New(slog.DiscardHandler)
	nolog = log.New(io.Discard, "", 0)
)

func newCluster(t *testing.T, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	cluster, err := kfake.NewCluster(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster
}

func newFactory(cluster *kfake.Cluster, traffic *kafka.Traffic) *kafka.Factory {
	return kafka.NewFactory(kafka.Settings{Cluster: "test", BootstrapServers: cluster.ListenAddrs()}, quiet, traffic)
}

func newClient(t *testing.T, factory *kafka.Factory, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := factory.Client("test", opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// metadataRequest asks for the brokers and no topic.
func metadataRequest() *kmsg.MetadataRequest {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{}
	return req
}

func quorumRequest() *kmsg.DescribeQuorumRequest {
	return kmsg.NewPtrDescribeQuorumRequest()
}

// refuse is a dialer to a host where nobody listens.
func refuse(context.Context, string, string) (net.Conn, error) {
	return nil, refusedError
}

var refusedError = &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}

func meta(id int32, host string, port int32) kgo.BrokerMetadata {
	return kgo.BrokerMetadata{NodeID: id, Host: host, Port: port}
}

// askMetadata returns the ids of the brokers.
func askMetadata(t *testing.T, client *kgo.Client) (ids []int32) {
	t.Helper()
	resp, err := metadataRequest().RequestWith(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	for _, broker := range resp.Brokers {
		ids = append(ids, broker.NodeID)
	}
	return ids
}

// hookOf returns a client's hook; kgo keeps them in a slice of its own type.
func hookOf(client *kgo.Client, i int) kgo.Hook {
	return reflect.ValueOf(client.OptValue(kgo.WithHooks)).Index(i).Interface()
}
