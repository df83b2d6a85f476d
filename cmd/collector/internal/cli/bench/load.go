package bench

import (
	"context"
	"time"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
)

// Bounds of a load, which keeps one latency for each call.
const (
	maxCalls   = 10_000_000
	maxCallers = 4096
)

// Load says how often a call is made.
type Load struct {
	Call     func(context.Context) error
	Calls    int           // how many, at least 1
	Duration time.Duration // how long, instead of how many; 0 for not
	Callers  int           // how many at once, at least 1
	// Progress gets a line about how far it is now and then; nil for nobody.
	Progress func(line string)
}

// Check refuses what cannot be run, in the words of the flags.
func (l *Load) Check() error {
	switch {
	case l.Calls < 1 || l.Calls > maxCalls:
		return failure.Usagef("--calls %d: want 1 to %d", l.Calls, maxCalls)
	case l.Callers < 1 || l.Callers > maxCallers:
		return failure.Usagef("--callers %d: want 1 to %d", l.Callers, maxCallers)
	}
	return nil
}
