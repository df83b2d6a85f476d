package cli

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/collectiverpc/collective/conn"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

func (a *app) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "status",
		Short:   "Show this collector and its peers, one line each",
		Example: "  collector status\n  collector status --json | jq .peers",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withSession(cmd.Context(), func(ctx context.Context, s *session) error {
				res, err := s.mesh.GetStatus(ctx, &meshv1.GetStatusRequest{})
				if err != nil {
					return err
				}
				return a.show(a.statusView(s, res))
			})
		},
	}
}

func (a *app) statusView(s *session, res *meshv1.GetStatusResponse) view {
	v := view{
		document: res,
		heading:  a.statusHeading(s, res),
		columns: []column{
			{title: "PEER"}, {title: "ADDRESS"}, {title: "STATE", state: true}, {title: "PATH"}, {title: "SHARED"},
			{title: "CALLS"}, {title: "ERR"}, {title: "RTT"}, {title: "LAST"}, {title: "CONNECTION", wide: true},
			{title: "CARRIER", wide: true},
		},
	}
	v.notes = warnings(res.GetWarnings())
	if len(res.GetPeers()) == 0 {
		v.notes = append(v.notes, res.GetCollectorId()+" is alone → collector connect ADDRESS")
	}
	for _, peer := range res.GetPeers() {
		v.items = append(v.items, peer)
		v.rows = append(v.rows, []cell{
			text(peer.GetCollectorId()), text(peer.GetAddress()), text(conn.StateName(peer.GetState())),
			path(peer.GetDialed()), list(peer.GetSharedNamespaces()), count(peer.GetCalls()),
			share(peer.GetErrors(), peer.GetCalls()), span(peer.GetRttNanos()), a.ago(peer.GetLastActivity()),
			text(peer.GetConnectionId()), text(peer.GetCarrier()),
		})
	}
	return v
}

func (a *app) statusHeading(s *session, res *meshv1.GetStatusResponse) string {
	up := a.io.Now().Sub(res.GetStartedAt().AsTime()).Round(time.Second)
	return strings.Join([]string{
		"collector " + res.GetCollectorId(),
		s.base.String(),
		"up " + up.String(),
		"namespaces " + list(res.GetNamespaces()).human,
		"store " + storeText(res.GetStore()),
	}, "   ")
}

// forgets is what a store in memory does.
const forgets = "in memory: connections and registered schemas are forgotten when it stops"

func storeText(store *meshv1.StoreStatus) string {
	switch {
	case store.GetError() != "":
		return cmp.Or(store.GetPath(), "in memory") + " FAILS: " + store.GetError()
	case store.GetPath() == "":
		return "in memory, forgotten when it stops"
	}
	return store.GetPath() + " ok"
}

func warnings(list []string) []string {
	var notes []string
	for i, warning := range list {
		notes = append(notes, fmt.Sprintf("warning %d of %d: %s", i+1, len(list), warning))
	}
	return notes
}
