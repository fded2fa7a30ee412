package topics

import (
	"fmt"
	"testing"
)

func TestChoose(t *testing.T) {
	for _, tt := range []struct {
		name      string
		brokers   string
		parts     string
		perBroker int
		previous  []int32
		want      string
		uncovered string
	}{
		{name: "one each", brokers: "1 2 3", parts: "1,2@1 2,3@2 3,1@3", want: "[0 1 2]", uncovered: "[]"},
		{name: "surplus stays idle", brokers: "1 2", parts: "1,2@1 1,2@1 2,1@2 2,1@2", want: "[0 2]", uncovered: "[]"},
		{name: "two each", brokers: "1 2", parts: "1,2@1 1,2@1 1,2@1 2,1@2", perBroker: 2, want: "[0 1 3]", uncovered: "[]"},
		{name: "a leader moved: the same ones", brokers: "1 2 3", parts: "1,2@1 2,3@3 3,1@3", want: "[0 1 2]", uncovered: "[2]"},
		{name: "a broker died: the same ones", brokers: "1 2! 3", parts: "1,2@1 2,3@3 3,1@3", want: "[0 1 2]", uncovered: "[2]"},
		{name: "no leader: the same ones", brokers: "1 2!", parts: "1@1 2@-", want: "[0 1]", uncovered: "[2]"},
		{name: "leads only an idle one: probed too", brokers: "1 2 3", parts: "1,2@1 1,3@3 1,2@2 2,1@1", want: "[0 1 2 3]", uncovered: "[]"},
		{name: "probed already comes first", brokers: "1 2", parts: "1,2@1 1,2@1 2,1@2", previous: []int32{1, 2}, want: "[1 2]", uncovered: "[]"},
		{name: "probed no longer exists", brokers: "1", parts: "1@1", previous: []int32{0, 9}, want: "[0]", uncovered: "[]"},
		{name: "no topic", brokers: "1 2", want: "[]", uncovered: "[1 2]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := see(t, tt.brokers, tt.parts)
			got := Choose(o, tt.perBroker, tt.previous)
			if s := fmt.Sprint(got); s != tt.want {
				t.Errorf("chose %s, want %s", s, tt.want)
			}
			var dark []int32
			for _, b := range o.Brokers {
				if !o.Covered(got)[b.ID] {
					dark = append(dark, b.ID)
				}
			}
			if s := fmt.Sprint(dark); s != tt.uncovered {
				t.Errorf("not covered %s, want %s", s, tt.uncovered)
			}
		})
	}
}
