package logging

import (
	"container/list"
	"context"
	"hash/maphash"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// maxMessages bounds how many different messages a rate limit remembers, about
// 200 bytes each. When one more arrives, the one that was let through longest ago
// is forgotten, and with it the count of what was held back since.
const maxMessages = 1024

// RateLimited returns a handler that hands the first of equal records to next and
// then at most one in every interval, measured on the monotonic clock. That one
// has the attribute suppressed: the number of equal records held back since the
// one before it. What is held back after the last line of a series is not
// reported: there is no timer, and a line that comes late would look like news.
//
// Records are equal if level, message and the attributes named by keys are, for
// example "kafka_cluster" and "broker"; those inside a group are named
// "group.key". Handlers derived by WithAttrs and WithGroup share the limit. All
// are safe for concurrent use.
func RateLimited(next slog.Handler, every time.Duration, keys ...string) slog.Handler {
	return &rateLimited{
		next:   next,
		limit:  &limit{every: every, messages: make(map[uint64]*list.Element), order: list.New()},
		keys:   keys,
		values: make([]string, len(keys)),
		seed:   maphash.MakeSeed(),
	}
}

type rateLimited struct {
	next   slog.Handler
	limit  *limit
	keys   []string
	values []string // of keys, as far as WithAttrs has set them; not changed in place
	prefix string   // groups that are open, each with a dot behind it
	seed   maphash.Seed
}

var _ slog.Handler = (*rateLimited)(nil)

func (h *rateLimited) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h *rateLimited) Handle(ctx context.Context, r slog.Record) error {
	suppressed, ok := h.limit.admit(h.identity(r), time.Now())
	if !ok {
		return nil
	}
	if suppressed > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Uint64("suppressed", suppressed))
	}
	return h.next.Handle(ctx, r)
}

func (h *rateLimited) WithAttrs(attrs []slog.Attr) slog.Handler {
	derived := *h
	derived.next = h.next.WithAttrs(attrs)
	derived.values = slices.Clone(h.values)
	for _, attr := range attrs {
		h.pick(derived.values, h.prefix, attr)
	}
	return &derived
}

func (h *rateLimited) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	derived := *h
	derived.next = h.next.WithGroup(name)
	derived.prefix = h.prefix + name + "."
	return &derived
}

// identity returns a hash that equal records share. 64 bits let two different
// messages meet about once in 10^13 among as many as are remembered.
func (h *rateLimited) identity(r slog.Record) uint64 {
	values := slices.Clone(h.values)
	r.Attrs(func(attr slog.Attr) bool {
		h.pick(values, h.prefix, attr)
		return true
	})
	var hash maphash.Hash
	hash.SetSeed(h.seed)
	maphash.WriteComparable(&hash, r.Level)
	maphash.WriteComparable(&hash, r.Message)
	for _, value := range values {
		maphash.WriteComparable(&hash, value)
	}
	return hash.Sum64()
}

// pick sets the values of the keys that attr, or an attribute inside it, names.
func (h *rateLimited) pick(values []string, prefix string, attr slog.Attr) {
	value := attr.Value.Resolve()
	if value.Kind() == slog.KindGroup {
		if attr.Key != "" {
			prefix += attr.Key + "."
		}
		for _, inner := range value.Group() {
			h.pick(values, prefix, inner)
		}
		return
	}
	if i := slices.Index(h.keys, prefix+attr.Key); i >= 0 {
		values[i] = value.String()
	}
}

// limit is what the handlers derived from one RateLimited share.
type limit struct {
	every time.Duration

	mu       sync.Mutex
	messages map[uint64]*list.Element // of *message, by identity
	order    *list.List               // the same, the one let through longest ago in front
}

type message struct {
	identity   uint64
	last       time.Time // when one was let through
	suppressed uint64    // held back since
}

// admit reports whether a record may pass and how many of its like were held back
// before it.
func (l *limit) admit(identity uint64, now time.Time) (suppressed uint64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	element, known := l.messages[identity]
	if !known {
		if l.order.Len() >= maxMessages {
			oldest := l.order.Remove(l.order.Front()).(*message)
			delete(l.messages, oldest.identity)
		}
		l.messages[identity] = l.order.PushBack(&message{identity: identity, last: now})
		return 0, true
	}
	m := element.Value.(*message)
	if now.Sub(m.last) < l.every {
		m.suppressed++
		return 0, false
	}
	suppressed, m.suppressed, m.last = m.suppressed, 0, now
	l.order.MoveToBack(element)
	return suppressed, true
}
