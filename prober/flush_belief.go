package prober

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/kafka-prober/kafka_prober/prober/flush"
	"github.com/kafka-prober/kafka_prober/prober/topics"
)

// belief is whether flushes are forced: 1 yes, 0 no or nobody can tell, -1 not known yet.
type belief struct {
	believed int
	why      string // if 0
}

// judgeBelief says whether the flushed topic is flushed and the plain one is not, by what the cluster
// answers when it is asked for their settings.
func judgeBelief(plain, flushed topics.State) belief {
	unknown := belief{believed: -1}
	if b, can := readable(plain); !can {
		return b
	}
	if ok, why := flush.KafkasLog(values(plain.Observed)); !ok {
		return belief{why: why}
	}
	if flushed.At == 0 {
		return unknown
	}
	if b, can := readable(flushed); !can {
		return b
	}
	if ok, why := flush.Forced(values(flushed.Observed), values(plain.Observed)); !ok {
		return belief{why: why}
	}
	return belief{believed: 1}
}

// readable returns whether a topic's settings could be read, and if not what to believe.
func readable(s topics.State) (belief, bool) {
	o := s.Observed
	switch {
	case o.Config != nil:
		return belief{}, true
	case withheld(o.ConfigErr):
		return belief{why: fmt.Sprintf("the settings of topic %s can't be read (%s): the prober needs DescribeConfigs on it", o.Topic, reasonOf(o.ConfigErr))}, false
	}
	for _, problem := range s.Plan.Problems {
		if problem.Fatal {
			return belief{why: problem.Text}, false
		}
	}
	return belief{believed: -1}, false
}

// withheld returns whether asking again is of no use: the cluster does not want or know to answer.
func withheld(err error) bool {
	switch reasonOf(err) {
	case kerr.TopicAuthorizationFailed.Message, kerr.ClusterAuthorizationFailed.Message, kerr.UnsupportedVersion.Message:
		return true
	}
	return false
}

// believe notes what to believe, and says once why log_flush_seconds is absent. What was known stays while a
// cluster that is in trouble does not answer: series must not end because a broker restarts.
func (p *flushProbe) believe(b belief) {
	was := p.belief
	if b == was || b.believed < 0 {
		return
	}
	p.belief = b
	if b.believed == 0 {
		p.log.Warn("log flushes can't be measured, log_flush_seconds is absent", "why", b.why)
	} else if was.believed == 0 {
		p.log.Info("log flushes are measured")
	}
}
