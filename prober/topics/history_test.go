package topics

import (
	"fmt"
	"testing"
	"time"
)

func TestHistoryOfBrokers(t *testing.T) {
	const parts = "1,2@1 2,3@2 3,1@3"
	for _, tt := range []struct {
		name    string
		removed []int32
		looks   []string        // brokers, one look after the other
		at      []time.Duration // when
		partial bool            // the cluster does not list dead brokers
		want    string          // brokers, gone, stable for
	}{
		{name: "first look", looks: []string{"1 2 3"}, at: []time.Duration{0},
			want: "1 2 3 gone [] stable 0s"},
		{name: "stable", looks: []string{"1 2 3", "1 2 3"}, at: []time.Duration{0, time.Minute},
			want: "1 2 3 gone [] stable 1m0s"},
		{name: "restart", looks: []string{"1 2 3", "1 2! 3", "1 2 3"}, at: []time.Duration{0, time.Minute, 2 * time.Minute},
			want: "1 2 3 gone [] stable 0s"},
		{name: "dead for less than a day", looks: []string{"1 2! 3", "1 2! 3"}, at: []time.Duration{0, 23 * time.Hour},
			want: "1 2! 3 gone [] stable 23h0m0s"},
		{name: "dead for a day", looks: []string{"1 2! 3", "1 2! 3"}, at: []time.Duration{0, 24 * time.Hour},
			want: "1 2! 3 gone [2] stable 24h0m0s"},
		{name: "back in between", looks: []string{"1 2! 3", "1 2 3", "1 2! 3"}, at: []time.Duration{0, 23 * time.Hour, 25 * time.Hour},
			want: "1 2! 3 gone [] stable 0s"},
		{name: "named in the configuration", removed: []int32{3}, looks: []string{"1 2 3"}, at: []time.Duration{0},
			want: "1 2 3 gone [3] stable 0s"},
		{name: "not listed, so unregistered", looks: []string{"1 2 3 4", "1 2 3"}, at: []time.Duration{0, time.Minute},
			want: "1 2 3 gone [] stable 0s"},
		{name: "not listed by an old Kafka", partial: true, looks: []string{"1 2 3 4", "1 2 3"}, at: []time.Duration{0, time.Minute},
			want: "1 2 3 4! gone [] stable 0s"},
		{name: "not listed by an old Kafka for a day, then forgotten", partial: true, looks: []string{"1 2 3 4", "1 2 3", "1 2 3", "1 2 3"},
			at: []time.Duration{0, time.Minute, 25 * time.Hour, 26 * time.Hour}, want: "1 2 3 gone [] stable 0s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHistory(Options{RemovedBrokers: tt.removed}.withDefaults())
			var o Observed
			for i, brokers := range tt.looks {
				o = see(t, brokers, parts)
				o.BrokersComplete = !tt.partial
				o = h.take(o, tt.at[i])
			}
			c := h.circumstances(tt.at[len(tt.at)-1])
			got := ""
			for _, b := range o.Brokers {
				got += fmt.Sprint(b.ID)
				if !b.Alive {
					got += "!"
				}
				got += " "
			}
			if got += fmt.Sprintf("gone %v stable %s", c.Gone, c.StableFor); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestElectionsThatDoNotHoldBecomeRare(t *testing.T) {
	h := newHistory(Options{}.withDefaults())
	now, elections := time.Duration(0), 0
	for ; now < 24*time.Hour; now += time.Minute {
		if !h.circumstances(now).ElectionsHeld {
			h.tried(Action{Kind: ElectLeaders, Elect: []int32{1}}, now)
			elections++
		}
	}
	if elections < 20 || elections > 30 {
		t.Errorf("%d elections in a day, want about one an hour", elections)
	}
	h.tried(Action{Kind: ElectLeaders, Elect: []int32{2}}, now+2*time.Hour)
	if h.circumstances(now + 2*time.Hour + electionPause).ElectionsHeld {
		t.Error("another partition has to wait for longer than a minute")
	}
}

func TestRefusalsAreTriedAgainAndForgotten(t *testing.T) {
	h := newHistory(Options{}.withDefaults())
	h.refused(Refusal{Kind: ElectLeaders, Reason: "CLUSTER_AUTHORIZATION_FAILED", key: "elect_leaders"}, 0)
	h.refused(Refusal{Kind: CreateTopic, Reason: "POLICY_VIOLATION", key: "create_topic"}, 0)
	for _, tt := range []struct {
		at   time.Duration
		want string
	}{
		{30 * time.Second, "create_topic elect_leaders "},
		{2 * time.Minute, "create_topic(due) elect_leaders "},
		{10 * time.Minute, "create_topic(due) elect_leaders(due) "},
		{21 * time.Minute, ""},
	} {
		got := ""
		for _, r := range h.held(tt.at) {
			got += string(r.Kind)
			if r.due {
				got += "(due)"
			}
			got += " "
		}
		if got != tt.want {
			t.Errorf("after %s: %q, want %q", tt.at, got, tt.want)
		}
	}
	h.refused(Refusal{Kind: CreateTopic, key: "create_topic"}, time.Hour)
	if h.take(Observed{Exists: true}, time.Hour); len(h.held(time.Hour)) != 0 {
		t.Error("the topic exists, but its creation is still held against the cluster")
	}
}
