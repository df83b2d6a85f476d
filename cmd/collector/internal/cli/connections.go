package cli

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// states are the words for the state of a connection, as all of the project spells them.
var states = []collector.ConnectionState{
	collector.ConnectionState_CONNECTION_STATE_ACTIVE,
	collector.ConnectionState_CONNECTION_STATE_IDLE,
	collector.ConnectionState_CONNECTION_STATE_STALE,
	collector.ConnectionState_CONNECTION_STATE_CLOSED,
	collector.ConnectionState_CONNECTION_STATE_FAILED,
}

func (a *app) connectionsCommand() *cobra.Command {
	var wanted []string
	var peer string
	list := func(cmd *cobra.Command, _ []string) error { return a.listConnections(cmd.Context(), wanted, peer) }
	parent := &cobra.Command{
		Use:     "connections",
		Aliases: []string{"conns"},
		Short:   "List connections, the persisted ones included",
		Long: "List all connections of a collector, newest first: active, idle, stale (lost, dialled again), closed (by hand or\n" +
			"by an orderly goodbye) and failed.",
		Example: "  collector connections\n  collector connections --state stale,failed",
		Args:    noArgs,
		RunE:    list,
	}
	ls := &cobra.Command{Use: "ls", Short: "The same as collector connections", Args: noArgs, RunE: list}
	for _, command := range []*cobra.Command{parent, ls} {
		command.Flags().StringSliceVar(&wanted, "state", nil, "only these: active, idle, stale, closed, failed")
		completeWords(command, "state", stateWords()...)
		command.Flags().StringVar(&peer, "peer", "", "only those with this collector")
		a.completeFlag(command, "peer", collectorIDs)
	}
	parent.AddCommand(ls, a.connectionsHistoryCommand(), a.connectionsWatchCommand(), connectionsPruneCommand(a))
	return parent
}

// parseStates reads state words.
func parseStates(words []string) (parsed []collector.ConnectionState, err error) {
	for _, word := range words {
		i := slices.Index(stateWords(), word)
		if i < 0 {
			return nil, usagef("--state %s is unknown: want %s", word, strings.Join(stateWords(), ", "))
		}
		parsed = append(parsed, states[i])
	}
	return parsed, nil
}

func (a *app) listConnections(ctx context.Context, wanted []string, peer string) error {
	only, err := parseStates(wanted)
	if err != nil {
		return err
	}
	req := &meshv1.ListConnectionsRequest{States: only, PeerCollectorId: peer}
	return a.withSession(ctx, func(ctx context.Context, s *session) error {
		res, err := s.mesh.ListConnections(ctx, req)
		if err != nil {
			return err
		}
		return a.show(a.connectionsView(res, res.GetConnections()))
	})
}

func stateWords() []string {
	var words []string
	for _, state := range states {
		words = append(words, conn.StateName(state))
	}
	return words
}

// connectionsView shows connections, which are all or part of document.
func (a *app) connectionsView(document any, connections []*collector.Connection) view {
	v := view{
		document: document,
		columns: []column{
			{title: "CONNECTION"}, {title: "PEER"}, {title: "ADDRESS"}, {title: "STATE", state: true}, {title: "PATH"},
			{title: "SHARED"}, {title: "CALLS"}, {title: "ERR"}, {title: "SENT", wide: true},
			{title: "RECEIVED", wide: true}, {title: "SINCE"}, {title: "LAST", wide: true}, {title: "REASON"},
			{title: "CARRIER", wide: true},
		},
	}
	for _, c := range connections {
		v.items = append(v.items, c)
		v.rows = append(v.rows, a.connectionRow(c))
	}
	return v
}

func (a *app) connectionRow(c *collector.Connection) []cell {
	return []cell{
		text(c.GetId()), text(peerOf(c)), text(c.GetAddress()), text(conn.StateName(c.GetState())), path(c.GetIsInitiator()),
		list(c.GetSharedNamespaces()), count(c.GetRequestCount()), share(c.GetErrorCount(), c.GetRequestCount()),
		size(c.GetBytesSent()), size(c.GetBytesReceived()), a.ago(c.GetStateChangedAt()), a.ago(c.GetLastActivity()),
		text(cmp.Or(c.GetConflict(), c.GetCloseReason())), text(c.GetCarrier()),
	}
}
