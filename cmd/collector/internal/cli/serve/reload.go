package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/config"
	"github.com/collectiverpc/collective/cmd/collector/internal/host"
	"github.com/collectiverpc/collective/internal/watch"
)

// live is the configuration of a collector that runs: it follows the file.
type live struct {
	source *config.Source
	log    *slog.Logger
	level  *slog.LevelVar
	joins  chan string
	ended  chan struct{} // closed when nobody joins any more

	mu       sync.Mutex
	warnings []string // what is in the file and not in force
}

// follow has a collector use its file again when it changes, and with SIGHUP. stop ends that.
func follow(ctx context.Context, source *config.Source, running *host.Config, level *slog.LevelVar) (stop func()) {
	if source.Path == "" {
		return func() {}
	}
	l := &live{source: source, log: running.Logger, level: level, joins: make(chan string), ended: make(chan struct{})}
	running.MoreJoins, running.Warnings = l.joins, append(running.Warnings, l.Warnings)
	forget := running.Reload.Add("configuration", l.reload)
	unfollow := watch.Files(ctx, []string{source.Path}, func() { _ = l.reload() }) // it logs
	return func() {
		close(l.ended)
		unfollow()
		forget()
	}
}

// Warnings are for the status of the collector.
func (l *live) Warnings() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.warnings)
}

// reload puts into force what can be, and names the rest. A file that cannot be used changes nothing.
func (l *live) reload() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	next, err := l.source.Reload()
	if err != nil {
		l.log.Error("the configuration cannot be used, what was in force stays", "error", config.Short(err))
		l.warnings = []string{"the configuration cannot be used, what was in force stays: " + config.Short(err) + " → collector config check " + l.source.Path}
		return err
	}
	l.warnings = nil
	changed := l.source.Settings.Changed(next)
	if len(changed) == 0 {
		return nil
	}
	var applied, waiting []string
	for _, name := range changed {
		if !l.apply(name, next.Get(name)) {
			waiting = append(waiting, name)
			continue
		}
		applied = append(applied, name)
	}
	l.source.Settings = l.source.Settings.Taking(next, applied)
	l.log.Info("the configuration changed", "in force", applied)
	if len(waiting) == 0 {
		return nil
	}
	need := fmt.Sprintf("the configuration %s has changed, and this needs a restart: %s", l.source.Path, strings.Join(waiting, ", "))
	l.warnings = []string{need}
	l.log.Warn(need)
	return errors.New("needs a restart: " + strings.Join(waiting, ", "))
}

// apply puts a setting into force if that can be done while the collector runs.
func (l *live) apply(name string, next config.Setting) bool {
	switch name {
	case "log_level":
		return l.level.UnmarshalText([]byte(next.Value)) == nil
	case "join":
		return l.join(next.List)
	}
	return false
}

// join has new addresses joined. Those that are gone stay connected until somebody disconnects them.
func (l *live) join(addresses []string) bool {
	before := l.source.Settings.Get("join").List
	for _, address := range addresses {
		if slices.Contains(before, address) {
			continue
		}
		select {
		case l.joins <- address:
		case <-l.ended:
			return false
		}
	}
	for _, address := range before {
		if !slices.Contains(addresses, address) {
			l.log.Warn("not in the configuration any more, and still connected", "address", address, "next", "collector disconnect")
		}
	}
	return true
}
