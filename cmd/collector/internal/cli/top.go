package cli

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// topEvery is how often top draws, and topWindow what it sums up.
const (
	topEvery  = time.Second
	topWindow = 10
)

func (a *app) topCommand() *cobra.Command {
	var once bool
	command := &cobra.Command{
		Use:   "top",
		Short: "Show rates, errors and latencies by method and peer",
		Long: "Show what a collector is doing: calls a second, errors and latencies of the last ten seconds, by peer and by\n" +
			"method, busiest first. On a terminal it draws every second until Ctrl-C; elsewhere, and with --once, one time.",
		Example: "  collector top\n  collector top --once -o json",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.top(cmd.Context(), once) },
	}
	command.Flags().BoolVar(&once, "once", false, "show it one time")
	return command
}

func (a *app) top(ctx context.Context, once bool) error {
	once = once || !a.io.OutTerminal || a.structured()
	ticker := time.NewTicker(topEvery)
	defer ticker.Stop()
	for {
		err := a.withSession(ctx, func(ctx context.Context, s *session) error {
			res, err := s.mesh.GetMetrics(ctx, &meshv1.GetMetricsRequest{WindowSeconds: topWindow, StepSeconds: topWindow})
			if err != nil {
				return err
			}
			if !once {
				if err := a.print("\x1b[H\x1b[2J"); err != nil {
					return err
				}
			}
			return a.show(topView(res))
		})
		if once || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil // Ctrl-C is how it ends
		case <-ticker.C:
		}
	}
}

func topView(res *meshv1.GetMetricsResponse) view {
	v := view{
		document: res,
		columns:  []column{{title: "WHAT"}, {title: "NAMESPACE"}, {title: "CALLS/S"}, {title: "ERR"}, {title: "P50"}, {title: "P90"}, {title: "P99"}},
	}
	busy := slices.SortedStableFunc(slices.Values(res.GetSeries()), func(a, b *meshv1.Series) int {
		if a.GetKind() != b.GetKind() {
			return int(a.GetKind() - b.GetKind())
		}
		return int(b.GetTotal().GetCalls() - a.GetTotal().GetCalls())
	})
	for _, series := range busy {
		v.items = append(v.items, series)
		v.rows = append(v.rows, topRow(series))
	}
	return v
}

func topRow(s *meshv1.Series) []cell {
	what := trimSlash(s.GetName())
	switch s.GetKind() {
	case meshv1.SeriesKind_SERIES_KIND_COLLECTOR:
		what = "collector " + what
	case meshv1.SeriesKind_SERIES_KIND_PEER:
		what = "peer " + what
	}
	total := s.GetTotal()
	return []cell{
		text(what), text(s.GetNamespace()), perSecond(total.GetCalls()), share(total.GetErrors(), total.GetCalls()),
		span(total.GetP50Nanos()), span(total.GetP90Nanos()), span(total.GetP99Nanos()),
	}
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
