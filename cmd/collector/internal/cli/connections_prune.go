package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

func connectionsPruneCommand(a *app) *cobra.Command {
	var older time.Duration
	var keep int32
	command := &cobra.Command{
		Use:   "prune",
		Short: "Forget connections that are over",
		Long: "Make the collector forget connections that are over: closed, failed, or stale and dialled by the other side. Those that\n" +
			"are up, and those that it dials again, stay. It forgets them by itself too, after a day and when there are too many; see\n" +
			"collector disconnect for what should not be dialled any more.",
		Example: "  collector connections prune\n  collector connections prune --older-than 1h --keep 10",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case older < 0:
				return usagef("--older-than %v: want 0 for all, or a duration such as 1h", older)
			case keep < 0:
				return usagef("--keep %d: want 0 for none, or a number of connections", keep)
			}
			req := &meshv1.PruneConnectionsRequest{OlderThanNanos: older.Nanoseconds(), Keep: keep}
			return a.withSession(cmd.Context(), func(ctx context.Context, s *session) error { return prune(ctx, s, req) })
		},
	}
	command.Flags().DurationVar(&older, "older-than", 0, "only those that ended longer ago than this; 0 for all")
	command.Flags().Int32Var(&keep, "keep", 0, "keep the newest, this many")
	return command
}

func prune(ctx context.Context, s *session, req *meshv1.PruneConnectionsRequest) error {
	res, err := s.mesh.PruneConnections(ctx, req)
	if err != nil {
		return err
	}
	v := s.app.connectionsView(res, res.GetConnections())
	if len(v.rows) == 0 {
		v.notes = []string{"no connection is over, or none that matches"}
	}
	return s.app.show(v)
}
