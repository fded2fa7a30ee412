// Package systemd tells the service manager how the daemon is: that it serves, that it reads its
// configuration again, that it stops, and, to the manager's watchdog, that it is not hung. Started by
// anything else, without NOTIFY_SOCKET in the environment, it says nothing and costs nothing.
package systemd

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Notifier speaks to the service manager. It is safe for concurrent use. What can't be sent is logged and
// given up: nobody is served better by a daemon that ends because of it.
type Notifier struct {
	log   *slog.Logger
	ready sync.Once
}

// New returns a Notifier.
func New(log *slog.Logger) *Notifier { return &Notifier{log: log} }

// Ready says that the daemon serves. Only the first call does anything: there may be several addresses.
func (n *Notifier) Ready() {
	n.ready.Do(func() { n.tell(daemon.SdNotifyReady + "\nSTATUS=Probing") })
}

// Reload says that reload is under way, runs it, and says how it went, for `systemctl status`.
func (n *Notifier) Reload(reload func() error) error {
	n.tell(daemon.SdNotifyReloading)
	err := reload()
	status := "Probing"
	if err != nil {
		status = "Probing; the configuration was not reloaded, the old one is in force: see the log"
	}
	n.tell(daemon.SdNotifyReady + "\nSTATUS=" + status)
	return err
}

// Stopping says that the daemon ends.
func (n *Notifier) Stopping() {
	n.tell(daemon.SdNotifyStopping + "\nSTATUS=Stopping: the probes drain")
}

// Watch feeds the manager's watchdog until ctx is done, as long as hung returns nothing. hung names what
// is stuck within the process; an outage of Kafka is not. If it does not return, nothing is fed either,
// and the manager starts the daemon anew. It returns at once if the unit asks for no watchdog.
func (n *Notifier) Watch(ctx context.Context, hung func() string) {
	limit, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		n.log.Warn("watchdog not fed: systemd's setting can't be read", "err", err)
		return
	}
	if limit > 0 {
		watch(ctx, limit, hung, func() { n.tell(daemon.SdNotifyWatchdog) }, n.log)
	}
}

// feedings is how often within the watchdog's limit it is fed: one that is missed is not yet fatal.
const feedings = 6

func watch(ctx context.Context, limit time.Duration, hung func() string, feed func(), log *slog.Logger) {
	tick := time.NewTicker(limit / feedings)
	defer tick.Stop()
	for {
		if what := hung(); what == "" {
			feed()
		} else {
			log.Error("hung: the watchdog is not fed, systemd will start the daemon anew", "loop", what, "watchdog_seconds", limit.Seconds())
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (n *Notifier) tell(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		n.log.Warn("systemd not notified", "state", fmt.Sprintf("%.20s", state), "err", err)
	}
}
