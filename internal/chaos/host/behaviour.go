package host

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/internal/chaos/ledger"
)

// behaviour is what the handlers of a host do beside their work.
type behaviour struct {
	slow time.Duration
	fail connect.Code // 0 for not at all
}

// worker does the work of calls.
type worker struct {
	runs *ledger.Runs
	free chan struct{} // nil for as many as there are calls
	now  atomic.Pointer[behaviour]
}

func newWorker(c *Config) (*worker, error) {
	runs, err := ledger.OpenRuns(c.Ledger, c.ID)
	w := &worker{runs: runs}
	if w.now.Store(new(behaviour)); c.Workers > 0 {
		w.free = make(chan struct{}, c.Workers)
	}
	return w, err
}

// work writes that it runs, waits for its turn if there are not enough workers, and takes its time. Who waits goes when the
// caller is gone; what has begun is worked to its end, as most work is.
func (w *worker) work(ctx context.Context, id uint64, takes time.Duration) error {
	if err := w.runs.Begin(id); err != nil {
		return err
	}
	defer func() { _ = w.runs.End(id) }()
	now := w.now.Load()
	if now.fail != 0 {
		return connect.NewError(now.fail, "this host was told to fail")
	}
	if w.free != nil {
		select {
		case w.free <- struct{}{}:
			defer func() { <-w.free }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	time.Sleep(takes + now.slow)
	return nil
}

// told changes the behaviour.
func (w *worker) told(command string) error {
	word, argument, _ := strings.Cut(command, " ")
	next := new(behaviour)
	var err error
	switch word {
	case "heal":
	case "slow":
		next.slow, err = time.ParseDuration(argument)
	case "fail":
		err = next.fail.UnmarshalText([]byte(argument))
	default:
		err = fmt.Errorf("no command %q", command)
	}
	if err == nil {
		w.now.Store(next)
	}
	return err
}
