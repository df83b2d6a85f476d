package meshservice

import (
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// connection is a record of the connection of two collectors, named for both.
func connection(source, target string) *collector.Connection {
	return &collector.Connection{Id: source + target, SourceCollectorId: source, TargetCollectorId: target}
}

// Pages are those of the connections that were asked for, whatever lies between them, and end without a token.
func TestListConnections_Pages(t *testing.T) {
	t.Parallel()
	records := []*collector.Connection{
		connection("a", "b"), connection("c", "a"), connection("b", "a"), connection("a", "c"), connection("a", "b"),
	}
	records[4].Id = "last"
	list := NewNeighbour("a", func() []*collector.Connection { return records })
	var pages []string
	for token := ""; len(pages) == 0 || token != ""; {
		res, err := list.ListConnections(t.Context(), &meshv1.ListConnectionsRequest{
			PeerCollectorId: "b", PageSize: 2, PageToken: token,
		})
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, record := range res.GetConnections() {
			ids = append(ids, record.GetId())
		}
		pages, token = append(pages, strings.Join(ids, " ")), res.GetNextPageToken()
	}
	if want := []string{"ab ba", "last"}; !slices.Equal(pages, want) {
		t.Errorf("pages %q, want %q", pages, want)
	}
	_, err := list.ListConnections(t.Context(), &meshv1.ListConnectionsRequest{PageToken: "none"})
	if connect.CodeOf(err) != connect.CodeInvalidArgument {
		t.Errorf("a token of no connection: %v", err)
	}
}

// Who is near comes first, and a connection that two peers tell of is one edge.
func TestNeighbourhood(t *testing.T) {
	t.Parallel()
	n := newNeighbourhood(&meshv1.Collector{CollectorId: "me"})
	for _, peer := range []string{"z", "p"} {
		n.collectors[peer] = &meshv1.Collector{CollectorId: peer, IsDirectPeer: true}
	}
	n.add("p", connection("me", "p"))
	n.add("p", connection("p", "far"))
	n.add("p", connection("p", "z"))
	n.add("z", connection("p", "z"))
	var ids []string
	for _, c := range n.response().GetCollectors() {
		ids = append(ids, c.GetCollectorId())
	}
	if want := []string{"me", "p", "z", "far"}; !slices.Equal(ids, want) {
		t.Errorf("collectors %q, want %q", ids, want)
	}
	if edges := n.response().GetEdges(); len(edges) != 2 || edges[0].GetTargetCollectorId() != "far" || n.collectors["far"].GetViaCollectorId() != "p" {
		t.Errorf("edges %v", edges)
	}
}
