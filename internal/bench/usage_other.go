//go:build !unix

package bench

import "time"

// use is what this process has used so far; not known here.
type use struct {
	cpu    time.Duration
	maxRSS int64
}

func usage() use { return use{} }
