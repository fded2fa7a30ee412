package topics

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
)

// Refusal says what the cluster would not do. It is remembered and shown; the
// probe then lives with the topic as it is.
type Refusal struct {
	Topic  string
	Kind   Kind
	Reason string // Kafka's error name, a closed set
	Detail string // the broker's own words, maybe empty
	Lacked string // what was given up so that the action succeeded without it; "" when it failed altogether
	key    string // Action.key of what failed
	due    bool   // it may be tried again
}

// Error makes a Refusal the error of Apply.
func (r *Refusal) Error() string {
	s := fmt.Sprintf("%s of topic %s refused: %s", r.Kind, r.Topic, r.Reason)
	if r.Detail != "" {
		s += " (" + r.Detail + ")"
	}
	return s
}

// problem tells what a refusal means for the probe and what to do about it.
func (r *Refusal) problem() Problem {
	p := Problem{Kind: ProblemRefused, Fatal: r.Kind == CreateTopic, Text: r.Error()}
	if advice := r.advice(); advice != "" {
		p.Text += ": " + advice
	}
	return p
}

func (r *Refusal) advice() string {
	if r.Reason != kerr.TopicAuthorizationFailed.Message && r.Reason != kerr.ClusterAuthorizationFailed.Message {
		if r.Kind == CreateTopic {
			return "create it by hand (check --print-topics prints how)"
		}
		return ""
	}
	switch r.Kind {
	case CreateTopic:
		return grant("Create", "--topic "+r.Topic)
	case AddPartitions:
		return grant("Alter", "--topic "+r.Topic)
	case AlterConfig:
		return grant("AlterConfigs", "--topic "+r.Topic)
	default:
		return grant("Alter", "--cluster")
	}
}

// grant writes the command that gives the prober a right.
func grant(operation, resource string) string {
	return "grant the right with kafka-acls.sh --bootstrap-server <address> --add --allow-principal User:<prober> --operation " +
		operation + " " + resource
}
