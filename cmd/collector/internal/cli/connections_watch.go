package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/collectiverpc/collective/conn"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

func (a *app) connectionsWatchCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "watch",
		Short:   "Show connections as they change, until Ctrl-C",
		Long:    "Show each connection once, and then again whenever it gets another state, with the reason, until Ctrl-C.",
		Example: "  collector connections watch\n  collector connections watch --json",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.watchConnections(cmd.Context()) },
	}
}

func (a *app) watchConnections(ctx context.Context) error {
	req := &meshv1.WatchRequest{Topics: []meshv1.WatchTopic{meshv1.WatchTopic_WATCH_TOPIC_TOPOLOGY}}
	return a.watch(ctx, req, func(event *meshv1.WatchResponse) error {
		at := event.GetTime().AsTime()
		for _, c := range event.GetSnapshot().GetConnections() {
			if err := a.showChange(at, &meshv1.ConnectionChange{Connection: c}); err != nil {
				return err
			}
		}
		if change := event.GetConnection(); change != nil {
			return a.showChange(at, change)
		}
		return nil
	})
}

var stateColumns = []column{
	{title: "TIME"}, {title: "CONNECTION", name: true}, {title: "PEER"}, {title: "STATE", state: true}, {title: "REASON"},
}

// showChange prints a line. Without a state before it is how the connection was found.
func (a *app) showChange(at time.Time, change *meshv1.ConnectionChange) error {
	if a.structured() {
		return a.showLine(change)
	}
	c := change.GetConnection()
	when := cell{at.In(a.io.Now().Location()).Format("15:04:05.000"), at.Format(time.RFC3339Nano)}
	row := []cell{when, text(c.GetId()), text(peerOf(c)), text(conn.StateName(c.GetState())), text(c.GetCloseReason())}
	return a.print(a.streamLine(stateColumns, row, []int{12, 16, 12, 6, 0}))
}
