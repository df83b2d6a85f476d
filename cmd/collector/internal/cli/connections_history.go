package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

func (a *app) connectionsHistoryCommand() *cobra.Command {
	var wanted []string
	var req meshv1.ListConnectionChangesRequest
	command := &cobra.Command{
		Use:   "history",
		Short: "Show how connections got into their states, and why",
		Long: "Show each change of a connection that was written down, newest first: from which state to which, who dialled, how\n" +
			"long the state before had lasted, and the reason. A collector with --db FILE, as by default, remembers 1024 over its\n" +
			"restarts, one with --db memory those since its start.",
		Example: "  collector connections history\n  collector connections history --peer b --state stale,failed",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if req.States, err = parseStates(wanted); err != nil {
				return err
			}
			if req.Limit < 0 {
				return usagef("--last %d: want 0 for all, or a number of changes", req.Limit)
			}
			return a.connectionsHistory(cmd.Context(), &req)
		},
	}
	command.Flags().StringSliceVar(&wanted, "state", nil, "only changes to these: active, idle, stale, closed, failed")
	completeWords(command, "state", stateWords()...)
	command.Flags().StringVar(&req.PeerCollectorId, "peer", "", "only those of connections with this collector")
	a.completeFlag(command, "peer", collectorIDs)
	command.Flags().Int32Var(&req.Limit, "last", 0, "at most this many; 0 for all")
	return command
}

func (a *app) connectionsHistory(ctx context.Context, req *meshv1.ListConnectionChangesRequest) error {
	return a.withSession(ctx, func(ctx context.Context, s *session) error {
		res, err := s.mesh.ListConnectionChanges(ctx, req)
		if err != nil {
			return err
		}
		return a.show(a.changesView(res))
	})
}

func (a *app) changesView(res *meshv1.ListConnectionChangesResponse) view {
	v := view{
		document: res,
		columns: []column{
			{title: "WHEN"}, {title: "CONNECTION", wide: true, name: true}, {title: "PEER"}, {title: "FROM"}, {title: "TO", state: true},
			{title: "AFTER"}, {title: "DIALED BY"}, {title: "REASON"},
		},
	}
	for i, change := range res.GetChanges() {
		v.items = append(v.items, change)
		v.rows = append(v.rows, a.changeRow(change, res.GetChanges()[i+1:]))
	}
	if len(v.rows) == 0 {
		v.notes = []string{"no connection has changed yet, or none that matches"}
	}
	return v
}

// changeRow shows a change; earlier are those before it, newest first.
func (a *app) changeRow(change *meshv1.ConnectionChange, earlier []*meshv1.ConnectionChange) []cell {
	c := change.GetConnection()
	from := text(none)
	if change.GetBefore() != collector.ConnectionState_CONNECTION_STATE_UNSPECIFIED {
		from = text(conn.StateName(change.GetBefore()))
	}
	return []cell{
		a.ago(c.GetStateChangedAt()), text(c.GetId()), text(peerOf(c)), from, text(conn.StateName(c.GetState())),
		lasted(change, earlier), text(c.GetSourceCollectorId()), text(c.GetCloseReason()),
	}
}

// lasted is how long a connection had been in its state before a change. A change that the filter left out makes it
// unknown.
func lasted(change *meshv1.ConnectionChange, earlier []*meshv1.ConnectionChange) cell {
	for _, e := range earlier {
		if e.GetConnection().GetId() != change.GetConnection().GetId() {
			continue
		}
		if e.GetConnection().GetState() != change.GetBefore() {
			break
		}
		d := change.GetConnection().GetStateChangedAt().AsTime().Sub(e.GetConnection().GetStateChangedAt().AsTime())
		return span(max(d, time.Microsecond).Nanoseconds())
	}
	return cell{none, ""}
}

// peerOf is the collector at the other end of a connection.
func peerOf(c *collector.Connection) string {
	if c.GetIsInitiator() {
		return c.GetTargetCollectorId()
	}
	return c.GetSourceCollectorId()
}
