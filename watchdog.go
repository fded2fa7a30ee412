package main

import (
	"strings"
	"time"
)

// hungAfter is how long a loop may take to get round that nothing outside the process holds up: the
// slowest takes five seconds. A host that is merely busy must not look like it.
const hungAfter = 15 * time.Second

// hung names a loop that is stuck within this process, or returns nothing. Kafka's outages are not
// looked at: starting anew would mend none, and would lose what is in flight.
func (d *daemon) hung() string {
	for _, p := range d.recorder.Snapshot() {
		if !p.Running {
			continue
		}
		for _, l := range p.State.Loops {
			if l.Independent && time.Since(l.Progress) > hungAfter {
				return strings.Join([]string{p.Cluster, p.Listener, p.Name, l.Name}, "/")
			}
		}
	}
	return ""
}
