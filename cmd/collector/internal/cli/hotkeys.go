package cli

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"github.com/collectiverpc/collective/cmd/collector/internal/host"
)

// hotkeysText is what the banner says of them.
const hotkeysText = "keys: b console in a browser · c connections · l log level · q drain and quit"

// hotkeys are the keys of serve's terminal.
type hotkeys struct {
	app   *app // asks the collector
	raw   *atomic.Bool
	level *slog.LevelVar
	group sync.WaitGroup
}

// newHotkeys is nil where serve may not take the keys: without a terminal, and in the background of a shell. Otherwise
// everything that a writes from now on can be read while the terminal is in raw mode.
func (a *app) newHotkeys(flags serveFlags) *hotkeys {
	if !a.io.OutTerminal || a.io.Raw == nil || a.structured() || a.flags.quiet || flags.untilEOF || !inForeground(os.Stdin) {
		return nil
	}
	h := &hotkeys{raw: new(atomic.Bool), level: &a.logLevel}
	a.io.Out, a.io.Err = rawWriter{a.io.Out, h.raw}, rawWriter{a.io.Err, h.raw}
	return h
}

// hear takes the terminal until ctx is done or somebody wants to quit.
func (h *hotkeys) hear(ctx context.Context, a *app, ready host.Ready) {
	restore, err := a.io.Raw()
	if err != nil {
		a.note("# no keys: %v", err)
		return
	}
	h.app = &app{io: a.io, flags: a.flags, version: a.version}
	h.app.flags.server, h.app.flags.insecure, h.app.flags.output = ready.URL, true, formatTable // it is this process
	h.raw.Store(true)
	a.note("%s", hotkeysText)
	keys := readKeys(a.io.In)
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
func (h *hotkeys) wait() { h.group.Wait() }

func (h *hotkeys) listen(ctx context.Context, keys <-chan key, ready host.Ready) (quit bool) {
	for {
		select {
		case <-ctx.Done():
			return false
		case k, more := <-keys:
			if !more {
				return false
			}
			if k == 'q' || k == keyInterrupt {
				return true
			}
			h.press(ctx, k, ready)
		}
	}
}

func (h *hotkeys) press(ctx context.Context, k key, ready host.Ready) {
	switch k {
	case 'b':
		if ready.Console == "" {
			h.app.note("# the console is off: --console full, or readonly")
			return
		}
		h.app.note("# opening %s", ready.Console)
		h.app.browse(ready.Console)
	case 'c':
		if err := h.app.listConnections(ctx, nil, ""); err != nil {
			h.app.note("# %v", err)
		}
	case 'l':
		h.level.Set(nextLevel(h.level.Level()))
		h.app.note("# log level: %s", h.level.Level())
	case '?', keyEnter:
		h.app.note("%s", hotkeysText)
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

// rawWriter ends lines as a terminal needs it while it is in raw mode.
type rawWriter struct {
	io.Writer
	raw *atomic.Bool
}

func (w rawWriter) Write(p []byte) (int, error) {
	if !w.raw.Load() {
		return w.Writer.Write(p)
	}
	if _, err := w.Writer.Write(bytes.ReplaceAll(p, []byte("\n"), []byte("\r\n"))); err != nil {
		return 0, err
	}
	return len(p), nil
}
