package routing

import (
	"slices"

	"github.com/collectiverpc/collective/dispatcher/internal/balance"
	"github.com/collectiverpc/collective/dispatcher/internal/endpoint"
)

// pool is peers that serve the same methods of a service: at least two, of which calls choose one. The entries of those methods
// share it.
type pool struct {
	peers  []*RoutePeer // by id
	choice *balance.Pool
}

// newPool makes the pool of peers that serve methods of a group, for a collector in a zone. It copies what the choice goes by, so
// that calls look at few lines of memory.
func newPool(peers []*RoutePeer, g *endpoint.Group, zone string) *pool {
	members := make([]balance.Member, len(peers))
	for i, p := range peers {
		members[i] = balance.Member{ID: p.ID, Hash: p.hash, Zone: p.Zone, Weight: p.weight(), Load: p.Load, Endpoint: g.Endpoint(p.ID)}
	}
	return &pool{peers, balance.NewPool(members, zone, g.Tracker())}
}

// endpointOf is what is known of a peer; nil if it is not in the pool, or there is none.
func (p *pool) endpointOf(peer *RoutePeer) *endpoint.Endpoint {
	if p == nil {
		return nil
	}
	if i := slices.Index(p.peers, peer); i >= 0 {
		return p.choice.Members()[i].Endpoint
	}
	return nil
}
