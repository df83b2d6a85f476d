package serve

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/terminal"
	"github.com/collectiverpc/collective/cmd/collector/internal/host"
)

// hotkeysText is what the banner says of them.
const hotkeysText = "keys: b console in a browser · c connections · l log level · q drain and quit"

// hotkeys are the keys of serve's terminal. nil has none.
type hotkeys struct {
	streams terminal.Streams
	out     *render.Printer // prints tables
	list    func(ctx context.Context, url string) error
	level   *slog.LevelVar
	raw     atomic.Bool // the terminal is in raw mode
	group   sync.WaitGroup
}

// hear takes the terminal until ctx is done or somebody wants to quit.
func (h *hotkeys) hear(ctx context.Context, ready host.Ready) {
	if h == nil {
		return
	}
	restore, err := h.streams.Raw()
	if err != nil {
		h.out.Note("# no keys: %v", err)
		return
	}
	h.raw.Store(true)
	h.out.Note("%s", hotkeysText)
	keys := terminal.ReadKeys(h.streams.In)
	h.group.Go(func() {
		quit := h.listen(ctx, keys, ready)
		h.raw.Store(false)
		restore() // before the drain, so that a second Ctrl-C is a signal again
		if quit {
			interrupt()
		}
	})
}

// wait returns when the terminal is given back.
func (h *hotkeys) wait() {
	if h != nil {
		h.group.Wait()
	}
}

func (h *hotkeys) listen(ctx context.Context, keys <-chan terminal.Key, ready host.Ready) (quit bool) {
	for {
		select {
		case <-ctx.Done():
			return false
		case k, more := <-keys:
			if !more {
				return false
			}
			if k == 'q' || k == terminal.KeyInterrupt {
				return true
			}
			h.press(ctx, k, ready)
		}
	}
}

func (h *hotkeys) press(ctx context.Context, k terminal.Key, ready host.Ready) {
	switch k {
	case 'b':
		if ready.Console == "" {
			h.out.Note("# the console is off: --console full, or readonly")
			return
		}
		h.out.Note("# opening %s", ready.Console)
		h.streams.Browse(ready.ConsoleLink(), h.out.Note)
	case 'c':
		if err := h.list(ctx, ready.URL); err != nil {
			h.out.Note("# %v", err)
		}
	case 'l':
		h.level.Set(nextLevel(h.level.Level()))
		h.out.Note("# log level: %s", h.level.Level())
	case '?', terminal.KeyEnter:
		h.out.Note("%s", hotkeysText)
	}
}

func nextLevel(level slog.Level) slog.Level {
	if level >= slog.LevelError {
		return slog.LevelDebug
	}
	return level + (slog.LevelInfo - slog.LevelDebug) // they are equally far apart
}

// interrupt is Ctrl-C of a terminal that is not in raw mode.
func interrupt() {
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Signal(os.Interrupt) // never fails where there are hotkeys
	}
}
