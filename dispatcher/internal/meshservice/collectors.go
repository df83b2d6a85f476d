package meshservice

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/dispatcher/internal/peerschema"
	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
)

// neighbourTimeout is how long peers have to tell of their connections, and maxAsked how many are asked at once.
const (
	neighbourTimeout = time.Second
	maxAsked         = 64
)

// ListCollectors answers who is in the mesh, and asks the peers for their connections.
//
// It sees two hops far, no further: peers are asked for their own connections and do not ask on, so that one question costs
// at most maxAsked calls and no question goes around in a mesh with circles. Whoever does not answer in time is named as
// missing, and the rest is shown.
func (s *Service) ListCollectors(ctx context.Context, _ *meshv1.ListCollectorsRequest) (*meshv1.ListCollectorsResponse, error) {
	peers := s.Connections.Table().Peers()
	n := newNeighbourhood(&meshv1.Collector{
		CollectorId: s.ID, Address: s.Address, IsDirectPeer: true, Namespaces: s.Namespaces,
		State: collector.ConnectionState_CONNECTION_STATE_ACTIVE, LastSeen: timestamppb.Now(),
	})
	for _, p := range s.peers(s.Connections.ListConnections()) {
		n.collectors[p.GetCollectorId()] = &meshv1.Collector{
			CollectorId: p.GetCollectorId(), Address: p.GetAddress(), IsDirectPeer: true,
			LastSeen: p.GetLastActivity(), Namespaces: p.GetSharedNamespaces(), State: p.GetState(),
		}
	}
	n.ask(ctx, peers)
	return n.response(), nil
}

// neighbourhood gathers what peers tell. Its goroutines end before ask returns.
// What this collector knows by itself goes before what others tell of the same collector.
type neighbourhood struct {
	mu         sync.Mutex
	self       string
	collectors map[string]*meshv1.Collector
	edges      map[string]*meshv1.Edge // by connection id
	missing    []string
}

// newNeighbourhood begins with this collector alone. Direct peers are added before ask, without the lock.
func newNeighbourhood(self *meshv1.Collector) *neighbourhood {
	return &neighbourhood{
		self:       self.GetCollectorId(),
		collectors: map[string]*meshv1.Collector{self.GetCollectorId(): self},
		edges:      make(map[string]*meshv1.Edge),
	}
}

// ask asks the peers that can be, all at the same time. A seed peer has no MeshService for peers.
func (n *neighbourhood) ask(ctx context.Context, peers []*conn.Peer) {
	ctx, cancel := context.WithTimeout(ctx, neighbourTimeout)
	defer cancel()
	var group sync.WaitGroup
	for _, peer := range peers[:min(len(peers), maxAsked)] {
		if peer.Routable() && !peer.Seed {
			group.Go(func() { n.hear(ctx, peer) })
		}
	}
	group.Wait()
}

// hear takes what one peer answers. The call is made without the lock: a slow peer holds up no other.
func (n *neighbourhood) hear(ctx context.Context, peer *conn.Peer) {
	client := meshv1connect.NewMeshServiceClient(connect.NewClient(peerschema.Transport{Peer: peer}))
	res, err := client.ListConnections(ctx, &meshv1.ListConnectionsRequest{})
	n.mu.Lock()
	defer n.mu.Unlock()
	if err != nil {
		n.missing = append(n.missing, peer.ID)
		return
	}
	for _, c := range res.GetConnections() {
		n.add(peer.ID, c)
	}
}

// add takes one connection of a peer, unless it is with this collector.
// Both ends of a connection may tell of it, under the same id: it is one edge. mu is held.
func (n *neighbourhood) add(peer string, c *collector.Connection) {
	other := c.GetTargetCollectorId()
	if other == peer {
		other = c.GetSourceCollectorId()
	}
	if other == n.self {
		return
	}
	n.edges[c.GetId()] = &meshv1.Edge{
		SourceCollectorId: c.GetSourceCollectorId(), TargetCollectorId: c.GetTargetCollectorId(), State: c.GetState(),
		SharedNamespaces: c.GetSharedNamespaces(), Calls: c.GetRequestCount(), Errors: c.GetErrorCount(),
	}
	if n.collectors[other] == nil {
		n.collectors[other] = &meshv1.Collector{
			CollectorId: other, Address: c.GetAddress(), LastSeen: c.GetLastActivity(),
			Namespaces: c.GetSharedNamespaces(), State: c.GetState(), ViaCollectorId: peer,
		}
	}
}

// response is what was gathered, in an order that does not depend on who answered first. Nobody adds to it any more.
func (n *neighbourhood) response() *meshv1.ListCollectorsResponse {
	res := &meshv1.ListCollectorsResponse{Missing: slices.Sorted(slices.Values(n.missing))}
	res.Collectors = slices.SortedFunc(maps.Values(n.collectors), func(a, b *meshv1.Collector) int {
		return cmp.Or(n.rank(a)-n.rank(b), cmp.Compare(a.GetCollectorId(), b.GetCollectorId()))
	})
	for _, id := range slices.Sorted(maps.Keys(n.edges)) {
		res.Edges = append(res.Edges, n.edges[id])
	}
	return res
}

// rank puts this collector first and then its peers.
func (n *neighbourhood) rank(c *meshv1.Collector) int {
	switch {
	case c.GetCollectorId() == n.self:
		return 0
	case c.GetIsDirectPeer():
		return 1
	}
	return 2
}
