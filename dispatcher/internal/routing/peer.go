package routing

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strconv"
	"sync/atomic"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher/internal/balance"
	"github.com/collectiverpc/collective/dispatcher/internal/endpoint"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/mesh"
)

// Conn is the connection to a peer, as far as calls use it.
type Conn interface {
	// Open starts a call on the peer. caller is who calls, as it is told to the peer.
	Open(ctx context.Context, namespace, codec, caller string, spec connect.Spec) (connect.ClientStream, error)
	// Record counts a call that ended, with its message bytes. failed tells that the connection failed it.
	Record(sent, received int64, failed bool)
}

// Catalog is what a peer serves.
type Catalog interface {
	// In is its methods in a namespace, by procedure.
	In(namespace string) iter.Seq2[string, *meshv1.CatalogMethod]
	// Method is one of them.
	Method(namespace, procedure string) (*meshv1.CatalogMethod, bool)
}

// Peer is a peer as its connection tells of it. It never changes.
type Peer struct {
	ID      string
	Address string // where it was dialled or, if it dialled, where it claims to be
	Dialed  bool   // this collector dialled it
	Proven  bool   // it has proved who it is, on the link that it has now
	State   collector.ConnectionState
	// Condition is the state in words, and Reason why calls cannot go there; empty while they can.
	Condition, Reason string
	Shared            []string // the namespaces of the connection in which it may serve, sorted
	Denied            []string // the others, in which the policy does not let it serve
	Seed              bool     // it speaks the seed's protocol and has no catalog
	Silent            bool     // it is yet to say what it serves
	Routable          bool     // calls can go there now
	Entrance          bool     // it routes the calls of this process, which hosts nothing
	Catalog           Catalog
	Conn              Conn
	Zone              string // where it runs, in the words of who runs the mesh; empty if it does not say
	Weight            uint32 // how much it can take, beside others; 0 for [balance.DefaultWeight]
}

// weight is what it can take, as far as it says.
func (p *Peer) weight() uint32 { return cmp.Or(p.Weight, balance.DefaultWeight) }

// RoutePeer is a peer as the router sees it.
type RoutePeer struct {
	*Peer
	// Load is the number of calls under way from here, kept over changes of the view.
	Load *endpoint.Load
	// Withheld is whether the log has said that no Authorization goes there, kept likewise.
	Withheld *atomic.Bool
	// alone is the slice of just this routePeer, so that a call with a target needs no allocation.
	alone []*RoutePeer
	hash  uint64 // of its id, for affinity
	Route *mesh.Route
	// arrival is the route of calls from there to here.
	arrival *mesh.Route
}

// Method is the peer's method in a namespace that is shared with it. A peer that cannot be called now answers what it
// served before.
func (p *Peer) Method(namespace, procedure string) (*meshv1.CatalogMethod, bool) {
	if p.Catalog == nil || !slices.Contains(p.Shared, namespace) {
		return nil, false
	}
	return p.Catalog.Method(namespace, procedure)
}

// condition is the state of the connection in words.
func (p *RoutePeer) condition() string {
	text := "connection is " + p.Condition
	if p.Routable {
		return p.Condition
	}
	if p.Reason != "" {
		text += ": " + p.Reason
	}
	return text
}

// busy says how loaded a peer is, which decides between equals; nothing for one that is idle.
func (p *RoutePeer) busy() string {
	if n := p.Load.Load(); n > 0 {
		return ", " + strconv.Itoa(int(n)) + " calls under way"
	}
	return ""
}

func (p *RoutePeer) shares(namespace string) bool { return slices.Contains(p.Shared, namespace) }

// Serves reports whether the peer has announced a method, or had before it could not be called any more.
func (p *RoutePeer) Serves(namespace, procedure string) bool {
	_, ok := p.Method(namespace, procedure)
	return ok
}

// blame lists peers with what is wrong with each.
func blame(peers []*RoutePeer) string {
	texts := make([]string, 0, len(peers))
	for _, p := range peers {
		texts = append(texts, p.ID+" ("+p.condition()+")")
	}
	return refusal.Enumerate(texts)
}
