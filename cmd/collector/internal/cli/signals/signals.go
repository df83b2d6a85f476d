// Package signals says what commands that run on do about the signals of a terminal that goes away.
package signals

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// Endure has a collector live on when who started it is gone: its terminal, or who read what it says, which would kill it
// by the next line of its log. Nor does a limit on the size of files. Only what asks for a drain stops it. SIGHUP has it read its files again: reload does that, and
// returns what it read and why the rest stays as it was. Other commands are left to these signals, so that
// `collector tap | head` ends as any program does. The caller calls the function it returns at the end.
func Endure(log *slog.Logger, reload func() (read []string, err error)) (stop func()) {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE, syscall.SIGXFSZ) // a write then fails, and that is all
	hungUp, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(hungUp, syscall.SIGHUP)
	var group sync.WaitGroup
	group.Go(func() {
		for {
			select {
			case <-hungUp:
				read, err := reload()
				log.Info("SIGHUP: running on, files were read again; SIGTERM drains", "read", read)
				if err != nil {
					log.Warn("SIGHUP: what cannot be used stays as it was", "error", err)
				}
			case <-done:
				return
			}
		}
	})
	return func() {
		signal.Stop(hungUp)
		close(done)
		group.Wait()
	}
}

// ErrReaderGone is why a context of UntilLeft is over when nobody reads stdout or stderr any more.
var ErrReaderGone = errors.New("nobody reads the output any more")

// UntilLeft returns a context that also ends when the terminal or a reader of the output is gone, for a command that has
// to clean up before it ends. stop gives the signals their meaning back.
func UntilLeft(ctx context.Context) (left context.Context, stop func()) {
	left, cancel := context.WithCancelCause(ctx)
	heard := make(chan os.Signal, 1)
	signal.Notify(heard, syscall.SIGHUP, syscall.SIGPIPE)
	var group sync.WaitGroup
	group.Go(func() {
		select {
		case s := <-heard:
			if s == syscall.SIGPIPE {
				cancel(ErrReaderGone)
			}
			cancel(nil)
		case <-left.Done():
		}
	})
	return left, func() {
		signal.Stop(heard)
		cancel(nil)
		group.Wait()
	}
}
