// Command brokers is a fake cluster of many brokers with one topic that has a partition on each. It prints
// the bootstrap servers in one line, separated by commas, and lives until its standard input ends: so it
// goes when whoever started it does.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/twmb/franz-go/pkg/kfake"
)

func main() {
	n := flag.Int("brokers", 100, "number of brokers, and of the topic's partitions")
	topic := flag.String("topic", "", "topic to create")
	flag.Parse()
	if err := run(*n, *topic); err != nil {
		fmt.Fprintln(os.Stderr, "brokers:", err)
		os.Exit(1)
	}
}

func run(n int, topic string) error {
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
	fmt.Println(strings.Join(c.ListenAddrs(), ","))
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}
