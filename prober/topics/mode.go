package topics

import "fmt"

// Mode is how much the prober may do to its topics (topic_management).
type Mode int

const (
	ModeNone   Mode = iota // use topics as they are
	ModeCreate             // create them, add partitions, elect preferred leaders
	ModeFull               // besides: move replicas and repair settings
)

var modeNames = []string{ModeNone: "none", ModeCreate: "create", ModeFull: "full"}

// String gives the name that the configuration uses.
func (m Mode) String() string {
	if m < 0 || int(m) >= len(modeNames) {
		return fmt.Sprintf("Mode(%d)", int(m))
	}
	return modeNames[m]
}

// ParseMode reads a value of topic_management.
func ParseMode(s string) (Mode, error) {
	for m, name := range modeNames {
		if s == name {
			return Mode(m), nil
		}
	}
	return 0, fmt.Errorf("topic_management %q is unknown: use none, create or full", s)
}
