// Command shorten writes files of rules, and of the Prometheus and the Alertmanager around them, with every
// window divided by the same number: ranges, offsets, for, keep_firing_for, and the intervals of scrapes,
// evaluations and notifications. A drill, or a test, then sees in a minute what takes half an hour:
//
//	go run ./alerts/shorten -by 30 -to drill alerts/*.rules.yml deploy/prometheus.yml deploy/alertmanager.yml
//	prometheus --config.file=drill/deploy/prometheus.yml
//
// What is no window stays: limits, and numbers that stand for seconds. The prober and Kafka keep their own
// pace, too: a failover of five seconds weighs as two and a half minutes do at -by 30.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/prometheus/common/model"
)

func main() {
	by := flag.Int("by", 30, "what to divide by")
	to := flag.String("to", "", "folder to write the files to, at the paths that they are given by")
	flag.Parse()
	if *by < 1 || *to == "" || flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "shorten: give -to and files, and -by of at least 1")
		os.Exit(2)
	}
	for _, path := range flag.Args() {
		if err := shortenFile(path, *to, *by); err != nil {
			fmt.Fprintf(os.Stderr, "shorten: %v\n", err)
			os.Exit(1)
		}
	}
}

func shortenFile(path, to string, by int) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	short, err := shorten(string(text), by)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	into := filepath.Join(to, path)
	if err := os.MkdirAll(filepath.Dir(into), 0o755); err != nil {
		return err
	}
	return os.WriteFile(into, []byte(short), 0o644)
}

// window is what stands before a duration that is a window, and the duration.
var window = regexp.MustCompile(`(?m)(\[|\boffset |^[ -]*(?:for|keep_firing_for|interval|scrape_interval|evaluation_interval|group_wait|group_interval|repeat_interval): )((?:\d+(?:ms|[smhdwy]))+)`)

// shorten divides the windows in a file's text.
func shorten(text string, by int) (string, error) {
	var failure error
	short := window.ReplaceAllStringFunc(text, func(found string) string {
		parts := window.FindStringSubmatch(found)
		long, err := model.ParseDuration(parts[2])
		if err != nil {
			failure = fmt.Errorf("%q: %w", found, err)
			return found
		}
		d := (time.Duration(long) / time.Duration(by)).Truncate(time.Millisecond)
		return parts[1] + model.Duration(max(d, time.Millisecond)).String()
	})
	return short, failure
}
