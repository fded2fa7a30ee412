package topics

import (
	"fmt"
	"regexp"
)

// validName is what Kafka takes as a topic's name.
var validName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

// CheckName returns what is wrong with a topic's name, or nil.
func CheckName(name string) error {
	if !validName.MatchString(name) || name == "." || name == ".." {
		return fmt.Errorf("%q is not a topic name: 1 to 249 letters, digits, '.', '_' and '-'", name)
	}
	return nil
}
