package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/completion"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/views"
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

func stateWords() []string {
	var words []string
	for _, state := range states {
		words = append(words, conn.StateName(state))
	}
	return words
}

// parseStates reads state words.
func parseStates(words []string) (parsed []collector.ConnectionState, err error) {
	for _, word := range words {
		i := slices.Index(stateWords(), word)
		if i < 0 {
			return nil, failure.Usagef("--state %s is unknown: want %s", word, strings.Join(stateWords(), ", "))
		}
		parsed = append(parsed, states[i])
	}
	return parsed, nil
}

// connectionFilter selects connections, or changes of theirs.
type connectionFilter struct {
	words []string // of states; none for all
	peer  string
}

// add defines the flags of a command that lists things.
func (f *connectionFilter) add(command *cobra.Command, complete *completion.Completer, states, peer string) {
	command.Flags().StringSliceVar(&f.words, "state", nil, states+": active, idle, stale, closed, failed")
	completion.Words(command, "state", stateWords()...)
	command.Flags().StringVar(&f.peer, "peer", "", peer)
	complete.Flag(command, "peer", completion.Collectors)
}

func connectionsCommand(out *render.Printer, target *remote.Target, complete *completion.Completer) *cobra.Command {
	var filter connectionFilter
	list := func(cmd *cobra.Command, _ []string) error {
		states, err := parseStates(filter.words)
		if err != nil {
			return err
		}
		return listConnections(cmd.Context(), out, target, &meshv1.ListConnectionsRequest{States: states, PeerCollectorId: filter.peer})
	}
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
		filter.add(command, complete, "only these", "only those with this collector")
	}
	parent.AddCommand(ls, historyCommand(out, target, complete), watchCommand(out, target), pruneCommand(out, target))
	return parent
}

func listConnections(ctx context.Context, out *render.Printer, target *remote.Target, req *meshv1.ListConnectionsRequest) error {
	return target.Ask(ctx, func(ctx context.Context, s *remote.Session) error {
		res, err := s.Mesh.ListConnections(ctx, req)
		if err != nil {
			return err
		}
		return out.Show(views.Connections(out, res, res.GetConnections()))
	})
}

func historyCommand(out *render.Printer, target *remote.Target, complete *completion.Completer) *cobra.Command {
	var filter connectionFilter
	var limit int32
	command := &cobra.Command{
		Use:   "history",
		Short: "Show how connections got into their states, and why",
		Long: "Show each change of a connection that was written down, newest first: from which state to which, who dialled, how\n" +
			"long the state before had lasted, and the reason. A collector with --db FILE, as by default, remembers 1024 over its\n" +
			"restarts, one with --db memory those since its start.",
		Example: "  collector connections history\n  collector connections history --peer b --state stale,failed",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			states, err := parseStates(filter.words)
			if err != nil {
				return err
			}
			if limit < 0 {
				return failure.Usagef("--last %d: want 0 for all, or a number of changes", limit)
			}
			return target.Ask(cmd.Context(), func(ctx context.Context, s *remote.Session) error {
				res, err := s.Mesh.ListConnectionChanges(ctx, &meshv1.ListConnectionChangesRequest{
					States: states, PeerCollectorId: filter.peer, Limit: limit,
				})
				if err != nil {
					return err
				}
				return out.Show(views.Changes(out, res))
			})
		},
	}
	filter.add(command, complete, "only changes to these", "only those of connections with this collector")
	command.Flags().Int32Var(&limit, "last", 0, "at most this many; 0 for all")
	return command
}

func watchCommand(out *render.Printer, target *remote.Target) *cobra.Command {
	return &cobra.Command{
		Use:     "watch",
		Short:   "Show connections as they change, until Ctrl-C",
		Long:    "Show each connection once, and then again whenever it gets another state, with the reason, until Ctrl-C.",
		Example: "  collector connections watch\n  collector connections watch --json",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return watchConnections(cmd.Context(), out, target) },
	}
}

func watchConnections(ctx context.Context, out *render.Printer, target *remote.Target) error {
	req := &meshv1.WatchRequest{Topics: []meshv1.WatchTopic{meshv1.WatchTopic_WATCH_TOPIC_TOPOLOGY}}
	return target.Watch(ctx, req, func(event *meshv1.WatchResponse) error {
		at := event.GetTime().AsTime()
		for _, c := range event.GetSnapshot().GetConnections() {
			if err := views.PrintChange(out, at, &meshv1.ConnectionChange{Connection: c}); err != nil {
				return err
			}
		}
		if change := event.GetConnection(); change != nil {
			return views.PrintChange(out, at, change)
		}
		return nil
	})
}

func pruneCommand(out *render.Printer, target *remote.Target) *cobra.Command {
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
				return failure.Usagef("--older-than %v: want 0 for all, or a duration such as 1h", older)
			case keep < 0:
				return failure.Usagef("--keep %d: want 0 for none, or a number of connections", keep)
			}
			return prune(cmd.Context(), out, target, &meshv1.PruneConnectionsRequest{OlderThanNanos: older.Nanoseconds(), Keep: keep})
		},
	}
	command.Flags().DurationVar(&older, "older-than", 0, "only those that ended longer ago than this; 0 for all")
	command.Flags().Int32Var(&keep, "keep", 0, "keep the newest, this many")
	return command
}

func prune(ctx context.Context, out *render.Printer, target *remote.Target, req *meshv1.PruneConnectionsRequest) error {
	return target.Ask(ctx, func(ctx context.Context, s *remote.Session) error {
		res, err := s.Mesh.PruneConnections(ctx, req)
		if err != nil {
			return err
		}
		v := views.Connections(out, res, res.GetConnections())
		if len(v.Rows) == 0 {
			v.Notes = []string{"no connection is over, or none that matches"}
		}
		return out.Show(v)
	})
}
