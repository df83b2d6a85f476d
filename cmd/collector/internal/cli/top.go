package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/terminal"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/top"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

func topCommand(streams terminal.Streams, out *render.Printer, target *remote.Target) *cobra.Command {
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
			switch {
			case snapshots < 0:
				return failure.Usagef("-n %d: want a number of snapshots", snapshots)
			case snapshots == 0 && streams.OutTerminal && streams.InTerminal && streams.Raw != nil && out.Format() == render.FormatTable:
				return top.Top{Terminal: streams, Out: out, Target: target}.Run(cmd.Context())
			}
			return showSnapshots(cmd.Context(), out, target, max(snapshots, 1))
		},
	}
	command.Flags().IntVarP(&snapshots, "snapshots", "n", 0, "print this many snapshots and end (default 1 in a pipe)")
	return command
}

func showSnapshots(ctx context.Context, out *render.Printer, target *remote.Target, left int) error {
	ticker := time.NewTicker(top.Every)
	defer ticker.Stop()
	for {
		if err := showSnapshot(ctx, out, target); err != nil {
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

func showSnapshot(ctx context.Context, out *render.Printer, target *remote.Target) error {
	return target.Ask(ctx, func(ctx context.Context, s *remote.Session) error {
		res, err := s.Mesh.GetMetrics(ctx, &meshv1.GetMetricsRequest{WindowSeconds: top.Window, StepSeconds: top.Window})
		if err != nil {
			return err
		}
		return out.Show(top.Snapshot(res))
	})
}
