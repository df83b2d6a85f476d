package cli

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// topEvery is how often top looks, and topWindow the seconds it sums up.
const (
	topEvery  = time.Second
	topWindow = 10
)

func (a *app) topCommand() *cobra.Command {
	var snapshots int
	command := &cobra.Command{
		Use:   "top",
		Short: "Show rates, errors and latencies by method and peer",
		Long: "Show what a collector is doing: calls a second, errors and latencies of the last ten seconds, by peer and by\n" +
			"method, busiest first. On a terminal it fills the screen until q: ? shows its keys. Elsewhere it prints one\n" +
			"snapshot; -n prints that many, one a second.",
		Example: "  collector top\n  collector top -n 1\n  collector top -n 60 -o jsonl",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if snapshots < 0 {
				return usagef("-n %d: want a number of snapshots", snapshots)
			}
			return a.top(cmd.Context(), snapshots)
		},
	}
	command.Flags().IntVarP(&snapshots, "snapshots", "n", 0, "print this many snapshots and end (default 1 in a pipe)")
	return command
}

func (a *app) top(ctx context.Context, snapshots int) error {
	if snapshots == 0 && a.io.OutTerminal && a.io.InTerminal && a.io.Raw != nil && a.format() == formatTable {
		return a.topOnScreen(ctx)
	}
	ticker := time.NewTicker(topEvery)
	defer ticker.Stop()
	for left := max(snapshots, 1); ; {
		if err := a.snapshot(ctx); err != nil {
			return err
		}
		if left--; left == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil // Ctrl-C is how it ends
		case <-ticker.C:
		}
	}
}

func (a *app) snapshot(ctx context.Context) error {
	return a.withSession(ctx, func(ctx context.Context, s *session) error {
		res, err := s.mesh.GetMetrics(ctx, &meshv1.GetMetricsRequest{WindowSeconds: topWindow, StepSeconds: topWindow})
		if err != nil {
			return err
		}
		return a.show(topView(res, topOrder{}.sort(res.GetSeries())))
	})
}

func topView(document any, series []*meshv1.Series) view {
	v := view{
		document: document,
		columns:  []column{{title: "WHAT"}, {title: "NAMESPACE"}, {title: "CALLS/S"}, {title: "ERR"}, {title: "P50"}, {title: "P90"}, {title: "P99"}},
	}
	for _, s := range series {
		v.items = append(v.items, s)
		v.rows = append(v.rows, topRow(s))
	}
	return v
}

func topRow(s *meshv1.Series) []cell {
	total := s.GetTotal()
	return []cell{
		text(seriesTitle(s)), text(s.GetNamespace()), perSecond(total.GetCalls()), share(total.GetErrors(), total.GetCalls()),
		span(total.GetP50Nanos()), span(total.GetP90Nanos()), span(total.GetP99Nanos()),
	}
}

// seriesTitle is what the calls of a series have in common.
func seriesTitle(s *meshv1.Series) string {
	what := trimSlash(s.GetName())
	switch s.GetKind() {
	case meshv1.SeriesKind_SERIES_KIND_COLLECTOR:
		return "collector " + what
	case meshv1.SeriesKind_SERIES_KIND_PEER:
		return "peer " + what
	}
	return what
}

// topOrder is what the rows are sorted by: within the collector, the peers and the methods, and the greatest first
// unless reversed.
type topOrder struct {
	by       int // of topOrders
	reversed bool
}

// topOrders are the orders in turn.
var topOrders = []struct {
	name  string
	value func(*meshv1.Point) float64
}{
	{"calls", func(p *meshv1.Point) float64 { return float64(p.GetCalls()) }},
	{"errors", func(p *meshv1.Point) float64 { return float64(p.GetErrors()) / float64(max(p.GetCalls(), 1)) }},
	{"p50", func(p *meshv1.Point) float64 { return float64(p.GetP50Nanos()) }},
	{"p99", func(p *meshv1.Point) float64 { return float64(p.GetP99Nanos()) }},
	{"name", func(*meshv1.Point) float64 { return 0 }}, // the names decide whenever values are equal
}

func (o topOrder) sort(series []*meshv1.Series) []*meshv1.Series {
	return slices.SortedStableFunc(slices.Values(series), func(a, b *meshv1.Series) int {
		value := topOrders[o.by].value
		order := cmp.Or(cmp.Compare(value(b.GetTotal()), value(a.GetTotal())), cmp.Compare(a.GetName(), b.GetName()),
			cmp.Compare(a.GetNamespace(), b.GetNamespace()))
		if o.reversed {
			order = -order
		}
		return cmp.Or(cmp.Compare(a.GetKind(), b.GetKind()), order)
	})
}

// perSecond is a number of calls in the window as a rate, and exact.
func perSecond(calls int64) cell {
	exact := strconv.FormatFloat(float64(calls)/topWindow, 'f', 1, 64)
	if calls == 0 {
		return cell{none, exact}
	}
	return cell{exact, exact}
}

func trimSlash(procedure string) string { return strings.TrimPrefix(procedure, "/") }
