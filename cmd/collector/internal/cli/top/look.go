package top

import (
	"context"
	"time"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
)

// detailSeconds is how much of a series its detail shows.
const detailSeconds = 60

// looker asks the collector for what a screen shows.
type looker struct {
	mesh    meshv1connect.MeshServiceClient
	limited func(context.Context) (context.Context, context.CancelFunc) // bounds a look
	now     func() time.Time
}

// mustLook is look with a failure as something to show.
func (l looker) mustLook(ctx context.Context, t *screen) func(*screen) {
	look, err := l.look(ctx, t)
	if err != nil {
		trouble := remote.RootCause(err)
		return func(t *screen) { t.trouble = trouble }
	}
	return look
}

// look asks for what a screen shows, and returns what to change in it.
func (l looker) look(ctx context.Context, t *screen) (func(*screen), error) {
	ctx, cancel := l.limited(ctx)
	defer cancel()
	res, err := l.mesh.GetMetrics(ctx, &meshv1.GetMetricsRequest{WindowSeconds: Window, StepSeconds: Window})
	if err != nil {
		return nil, err
	}
	var calls []*meshv1.Dispatch
	open := t.open()
	if open != nil {
		if calls, err = l.detail(ctx, open, res.GetSeries()); err != nil {
			return nil, err
		}
	}
	now := l.now()
	return func(t *screen) {
		t.series, t.at, t.trouble = res.GetSeries(), now, ""
		if still := t.open(); still != nil && open != nil && seriesID(still) == seriesID(open) {
			t.calls = calls
		}
	}, nil
}

// detail gives the open series its last minute by the second, and returns its last calls.
func (l looker) detail(ctx context.Context, open *meshv1.Series, series []*meshv1.Series) ([]*meshv1.Dispatch, error) {
	minute, err := l.mesh.GetMetrics(ctx, &meshv1.GetMetricsRequest{WindowSeconds: detailSeconds, StepSeconds: 1})
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
	calls, err := l.mesh.ListDispatches(ctx, &meshv1.ListDispatchesRequest{Filter: filterOf(open), Limit: 100})
	return calls.GetDispatches(), err
}
