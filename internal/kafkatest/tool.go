package kafkatest

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"github.com/kafka-prober/kafka_prober/internal/child"
)

// Tool runs a Java command-line class of Kafka, for instance org.apache.kafka.tools.TopicCommand, in a
// JVM that starts quickly, and returns its standard output. The tool is killed when ctx ends or this
// process dies. The error holds both outputs.
func (c *Cluster) Tool(ctx context.Context, class string, args ...string) (string, error) {
	return c.ToolWithJVM(ctx, quickStart, class, args...)
}

// ToolWithJVM is Tool with JVM flags of the caller's choice; none, to measure a tool as its users run it.
func (c *Cluster) ToolWithJVM(ctx context.Context, jvmFlags []string, class string, args ...string) (string, error) {
	args = append([]string{"-Dkafkatest.log.level=WARN", c.logFlag(), "-cp", c.Classpath(), class}, args...)
	cmd := exec.CommandContext(ctx, c.java, slices.Concat(jvmFlags, args)...)
	cmd.Dir = c.work.path
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	p, err := child.Start(cmd)
	if err != nil {
		return "", err
	}
	<-p.Done
	if p.Err() != nil {
		name := class[strings.LastIndexByte(class, '.')+1:]
		return stdout.String(), fmt.Errorf("run %s: %w\n%s%s", name, p.Err(), stdout.Bytes(), stderr.Bytes())
	}
	return stdout.String(), nil
}
