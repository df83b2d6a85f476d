package top

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/terminal"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/views"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// Every is how often the collector is asked.
const Every = time.Second

// The screen beside the one that the shell writes on, without a cursor, so that nothing of top is left behind.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l"
	leaveScreen = "\x1b[?25h\x1b[?1049l"
)

// Top fills a terminal.
type Top struct {
	Terminal terminal.Streams // with Raw and Size
	Out      *render.Printer
	Target   *remote.Target
}

// Run shows what the target is doing until the user has seen enough, which is no failure, or ctx is done.
func (t Top) Run(ctx context.Context) error {
	s, err := t.Target.Open()
	if err != nil {
		return err
	}
	defer s.Close()
	looker := looker{mesh: s.Mesh, limited: t.Target.Limited, now: t.Terminal.Now}
	shown := &screen{server: s.URL(), color: t.Out.Color(), callTable: func(calls []*meshv1.Dispatch) render.View { return views.Calls(t.Out, calls) }}
	look, err := looker.look(ctx, shown)
	if err != nil {
		return s.Explain(ctx, err) // before the screen is taken: there is nothing to show
	}
	look(shown)
	restore, err := t.Terminal.Raw()
	if err != nil {
		return failure.Newf("taking the terminal: %v", err)
	}
	defer restore()
	if err := t.Out.Print(enterScreen); err != nil {
		return err
	}
	defer t.Out.Print(leaveScreen) //nolint:errcheck // there is nobody left to tell
	return t.loop(ctx, looker, shown)
}

// loop draws, and hears keys while it waits for the collector.
func (t Top) loop(ctx context.Context, looker looker, shown *screen) error {
	ctx, cancel := context.WithCancel(ctx)
	var reading sync.WaitGroup
	defer reading.Wait()
	defer cancel()
	keys, looks := terminal.ReadKeys(t.Terminal.In), make(chan func(*screen), 1)
	ticker := time.NewTicker(Every)
	defer ticker.Stop()
	busy := false
	for !shown.stopped {
		if err := t.draw(shown); err != nil {
			return err
		}
		refresh := false
		select {
		case <-ctx.Done():
			return nil // Ctrl-C is how it ends
		case k, more := <-keys:
			if !more {
				return nil
			}
			before := shown.open()
			shown.press(k)
			refresh = shown.open() != nil && before == nil
		case look := <-looks:
			busy = false
			look(shown)
		case <-ticker.C:
			refresh = !shown.paused
		}
		if refresh && !busy {
			busy = true
			asked := *shown
			reading.Go(func() { looks <- looker.mustLook(ctx, &asked) })
		}
	}
	return nil
}

// draw writes over what was there, line by line, so that nothing flickers.
func (t Top) draw(shown *screen) error {
	shown.width, shown.height = t.Terminal.Size()
	return t.Out.Print("\x1b[H" + strings.Join(shown.draw(), "\x1b[K\r\n") + "\x1b[K\x1b[J")
}
