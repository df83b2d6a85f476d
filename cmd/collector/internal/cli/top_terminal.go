package cli

import (
	"context"
	"strings"
	"sync"
	"time"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// The screen beside the one that the shell writes on, without a cursor, so that nothing of top is left behind.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l"
	leaveScreen = "\x1b[?25h\x1b[?1049l"
	topMinute   = 60 // seconds that the detail of a row shows
)

// topOnScreen runs top until its user has seen enough.
func (a *app) topOnScreen(ctx context.Context) error {
	s, err := a.newSession()
	if err != nil {
		return err
	}
	defer s.http.CloseIdleConnections()
	t := &topScreen{server: s.base.String(), color: a.color(), callRow: a.callRow}
	look, err := s.lookAtTop(ctx, t)
	if err != nil {
		return s.explain(ctx, err) // before the screen is taken: there is nothing to show
	}
	look(t)
	restore, err := a.io.Raw()
	if err != nil {
		return failuref("taking the terminal: %v", err)
	}
	defer restore()
	if err := a.print(enterScreen); err != nil {
		return err
	}
	defer a.print(leaveScreen) //nolint:errcheck // there is nobody left to tell
	return a.runTop(ctx, s, t)
}

// runTop draws, and hears keys while it waits for the collector.
func (a *app) runTop(ctx context.Context, s *session, t *topScreen) error {
	ctx, cancel := context.WithCancel(ctx)
	var reading sync.WaitGroup
	defer reading.Wait()
	defer cancel()
	keys, looks := readKeys(a.io.In), make(chan func(*topScreen), 1)
	ticker := time.NewTicker(topEvery)
	defer ticker.Stop()
	busy := false
	for !t.stopped {
		if err := a.drawTop(t); err != nil {
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
			before := t.open()
			t.press(k)
			refresh = t.open() != nil && before == nil
		case look := <-looks:
			busy = false
			look(t)
		case <-ticker.C:
			refresh = !t.paused
		}
		if refresh && !busy {
			busy = true
			asked := *t
			reading.Go(func() { looks <- s.mustLookAtTop(ctx, &asked) })
		}
	}
	return nil
}

// drawTop writes over what was there, line by line, so that nothing flickers.
func (a *app) drawTop(t *topScreen) error {
	t.width, t.height = a.io.Size()
	return a.print("\x1b[H" + strings.Join(t.draw(), "\x1b[K\r\n") + "\x1b[K\x1b[J")
}

// mustLookAtTop is lookAtTop with a failure as something to show.
func (s *session) mustLookAtTop(ctx context.Context, t *topScreen) func(*topScreen) {
	look, err := s.lookAtTop(ctx, t)
	if err != nil {
		trouble := rootCause(err)
		return func(t *topScreen) { t.trouble = trouble }
	}
	return look
}

// lookAtTop asks the collector for what a screen shows, and returns what to change in it.
func (s *session) lookAtTop(ctx context.Context, t *topScreen) (func(*topScreen), error) {
	ctx, cancel := context.WithTimeout(ctx, s.app.flags.timeout)
	defer cancel()
	req := &meshv1.GetMetricsRequest{WindowSeconds: topWindow, StepSeconds: topWindow}
	res, err := s.mesh.GetMetrics(ctx, req)
	if err != nil {
		return nil, err
	}
	var calls []*meshv1.Dispatch
	open := t.open()
	if open != nil {
		if calls, err = s.detailOfTop(ctx, open, res.GetSeries()); err != nil {
			return nil, err
		}
	}
	now := s.app.io.Now()
	return func(t *topScreen) {
		t.series, t.at, t.trouble = res.GetSeries(), now, ""
		if still := t.open(); still != nil && open != nil && seriesID(still) == seriesID(open) {
			t.calls = calls
		}
	}, nil
}

// detailOfTop gives the open series its last minute by the second, and returns its last calls.
func (s *session) detailOfTop(ctx context.Context, open *meshv1.Series, series []*meshv1.Series) ([]*meshv1.Dispatch, error) {
	minute, err := s.mesh.GetMetrics(ctx, &meshv1.GetMetricsRequest{WindowSeconds: topMinute, StepSeconds: 1})
	if err != nil {
		return nil, err
	}
	for _, one := range series {
		for _, of := range minute.GetSeries() {
			if seriesID(one) == seriesID(open) && seriesID(of) == seriesID(open) {
				one.Points = of.GetPoints()
			}
		}
	}
	calls, err := s.mesh.ListDispatches(ctx, &meshv1.ListDispatchesRequest{Filter: filterOf(open), Limit: 100})
	return calls.GetDispatches(), err
}

// filterOf selects the calls of a series.
func filterOf(s *meshv1.Series) *meshv1.DispatchFilter {
	switch s.GetKind() {
	case meshv1.SeriesKind_SERIES_KIND_METHOD:
		return &meshv1.DispatchFilter{Namespace: s.GetNamespace(), Procedure: s.GetName()}
	case meshv1.SeriesKind_SERIES_KIND_PEER:
		return &meshv1.DispatchFilter{CollectorId: s.GetName()}
	}
	return nil
}
