// Command brokers is a fake cluster of many brokers with one topic that has a partition on each, and
// others that take a load where asked for. It prints the bootstrap servers in one line, separated by
// commas, and lives until its standard input ends: so it goes when whoever started it does.
package main

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/twmb/franz-go/pkg/kfake"
)

func main() {
	n := flag.Int("brokers", 100, "number of brokers, and of the topic's partitions")
	topic := flag.String("topic", "", "topic to create")
	var l load
	flag.IntVar(&l.topics, "load.topics", 0, "topics beside that one, to which records come all the time")
	flag.IntVar(&l.partitions, "load.partitions", 100, "partitions of each of them, with three replicas")
	flag.IntVar(&l.groups, "load.groups", 0, "groups that have committed on ten of them each")
	requests := flag.String("requests", "", "address to serve the number of requests at, as a JSON object by their names")
	flag.Parse()
	if err := run(*n, *topic, l, *requests); err != nil {
		fmt.Fprintln(os.Stderr, "brokers:", err)
		os.Exit(1)
	}
}

func run(n int, topic string, l load, requests string) error {
	c, err := kfake.NewCluster(kfake.NumBrokers(n), kfake.SeedTopics(int32(n), topic))
	if err != nil {
		return err
	}
	defer c.Close()
	for p := range int32(n) {
		if err := c.MoveTopicPartition(topic, p, p); err != nil {
			return fmt.Errorf("let broker %d lead partition %d: %w", p, p, err)
		}
	}
	if err := l.apply(c); err != nil {
		return fmt.Errorf("make the load: %w", err)
	}
	if requests != "" {
		count := newRequestCount(c)
		go func() {
			fmt.Fprintln(os.Stderr, "brokers:", http.ListenAndServe(requests, count))
			os.Exit(1)
		}()
	}
	fmt.Println(strings.Join(c.ListenAddrs(), ","))
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}
