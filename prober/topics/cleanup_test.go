package topics

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestCleanup(t *testing.T) {
	c, cl := fake(t, 1)
	made := Spec{Topic: "my-probes"}
	o, err := Observe(t.Context(), cl, made.Topic)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Apply(t.Context(), cl, NewPlan(made, o, ModeCreate, Circumstances{}).Actions[0]); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{ownTopic, "orders"} {
		if err := c.CreateTopic(name, 2, nil); err != nil {
			t.Fatal(err)
		}
	}
	specs := []Spec{{Topic: ownTopic}, made, {Topic: "orders"}, {Topic: "never-made"}}
	ours, kept, err := FindOurs(t.Context(), cl, specs)
	if err != nil {
		t.Fatal(err)
	}
	if len(ours) != 2 || ours[0].Topic != ownTopic || ours[0].Partitions != 2 || ours[1].Topic != made.Topic {
		t.Errorf("ours %+v", ours)
	}
	if got := fmt.Sprint(kept); got != "map[orders:it does not look like a topic that the prober made: delete it by hand if it is]" {
		t.Errorf("kept %s", got)
	}

	// Re-created since it was found: another topic, left alone.
	if err := c.DeleteTopic(ownTopic); err != nil {
		t.Fatal(err)
	}
	if err := c.CreateTopic(ownTopic, 1, nil); err != nil {
		t.Fatal(err)
	}
	for _, cand := range ours {
		if err := Delete(t.Context(), cl, cand); err != nil {
			t.Error(err)
		}
	}
	if c.TopicInfo(ownTopic) == nil || c.TopicInfo(made.Topic) != nil {
		t.Error("the wrong topic was deleted")
	}

	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.DeleteTopics}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	err = Delete(t.Context(), cl, Candidate{Topic: ownTopic})
	if want := "delete topic kafka-prober-steady-internal: TOPIC_AUTHORIZATION_FAILED: Not authorized to access topics: [Topic authorization failed.]: grant the right with kafka-acls.sh --bootstrap-server <address> --add --allow-principal User:<prober> --operation Delete --topic kafka-prober-steady-internal"; fmt.Sprint(err) != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}
