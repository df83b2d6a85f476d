package top

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/words"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// Window is the seconds that a row sums up.
const Window = 10

// Snapshot is the series of an answer as rows, busiest first.
func Snapshot(res *meshv1.GetMetricsResponse) render.View {
	v := table(order{}.sort(res.GetSeries()))
	v.Document = res
	return v
}

// table is series as rows, in their order.
func table(series []*meshv1.Series) render.View {
	v := render.View{Columns: render.Columns("WHAT", "NAMESPACE", "CALLS/S", "ERR", "P50", "P90", "P99")}
	for _, s := range series {
		total := s.GetTotal()
		v.Add(s, render.Text(title(s)), render.Text(s.GetNamespace()), perSecond(total.GetCalls()),
			render.Share(total.GetErrors(), total.GetCalls()), render.Span(total.GetP50Nanos()), render.Span(total.GetP90Nanos()),
			render.Span(total.GetP99Nanos()))
	}
	return v
}

// title is what the calls of a series have in common.
func title(s *meshv1.Series) string {
	what := words.Procedure(s.GetName())
	switch s.GetKind() {
	case meshv1.SeriesKind_SERIES_KIND_COLLECTOR:
		return "collector " + what
	case meshv1.SeriesKind_SERIES_KIND_PEER:
		return "peer " + what
	}
	return what
}

// seriesID tells rows apart while they change places.
func seriesID(s *meshv1.Series) string {
	return s.GetKind().String() + " " + s.GetNamespace() + " " + s.GetName()
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

// order is what the rows are sorted by: within the collector, the peers and the methods, and the greatest first unless
// reversed.
type order struct {
	by       int // of orders
	reversed bool
}

// orders are the orders in turn.
var orders = []struct {
	name  string
	value func(*meshv1.Point) float64
}{
	{"calls", func(p *meshv1.Point) float64 { return float64(p.GetCalls()) }},
	{"errors", func(p *meshv1.Point) float64 { return float64(p.GetErrors()) / float64(max(p.GetCalls(), 1)) }},
	{"p50", func(p *meshv1.Point) float64 { return float64(p.GetP50Nanos()) }},
	{"p99", func(p *meshv1.Point) float64 { return float64(p.GetP99Nanos()) }},
	{"name", func(*meshv1.Point) float64 { return 0 }}, // the names decide whenever values are equal
}

func (o order) sort(series []*meshv1.Series) []*meshv1.Series {
	return slices.SortedStableFunc(slices.Values(series), func(a, b *meshv1.Series) int {
		value := orders[o.by].value
		order := cmp.Or(cmp.Compare(value(b.GetTotal()), value(a.GetTotal())), cmp.Compare(a.GetName(), b.GetName()),
			cmp.Compare(a.GetNamespace(), b.GetNamespace()))
		if o.reversed {
			order = -order
		}
		return cmp.Or(cmp.Compare(a.GetKind(), b.GetKind()), order)
	})
}

// perSecond is a number of calls in the window as a rate, and exact.
func perSecond(calls int64) render.Cell {
	exact := strconv.FormatFloat(float64(calls)/Window, 'f', 1, 64)
	if calls == 0 {
		return render.Pair(render.NoValue, exact)
	}
	return render.Text(exact)
}
