package ledger

import "time"

// maxWindow is how many slots may be open at once. Beyond it the oldest are given up: bounded memory
// goes before following a fate.
const maxWindow = 1 << 22

// retire forgets the slots at the start of the window of which nothing more can be learnt.
func (p *Partition) retire(now time.Duration) {
	for p.base < p.next {
		s := p.slots.at(p.base)
		if s.state&judged == 0 {
			break
		}
		if !s.settled() && p.Due(p.base)+p.opt.Fate > now {
			break
		}
		p.forget(s)
	}
	p.open = max(p.open, p.base)
	p.sched.Forget(p.base)
	for len(p.spans) > 1 && p.spans[1].first <= p.base && p.spans[0].idle() {
		p.spans = append(p.spans[:0], p.spans[1:]...)
	}
}

// giveUp makes room in a full window.
func (p *Partition) giveUp() {
	s := p.slots.at(p.base)
	if s.state&judged == 0 {
		p.overdue(p.base, s)
	}
	p.forget(s)
	p.open = max(p.open, p.base)
}

// forget drops the first slot of the window, leaving what a later sight of it needs in the trail.
func (p *Partition) forget(s *slot) {
	if s.unread() {
		p.reader.unread--
	}
	if s.state&acked == 0 {
		p.order.drop(p.base)
		if s.state&read != 0 {
			p.reader.sights.forgetUnacked(p.base)
		}
	}
	p.trail.set(p.base, s.state&read != 0, s.state&(skipped|refused|recreated) != 0)
	*s = slot{}
	p.base++
}
