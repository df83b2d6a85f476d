package routing

import (
	"github.com/collectiverpc/collective/dispatcher/internal/balance"
	"github.com/collectiverpc/collective/dispatcher/internal/endpoint"
	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
)

// Call is what routing needs to know of a call.
type Call struct {
	Namespace, Procedure string
	Target               string // a collector id; empty for whoever serves it
	Found                *Entry // what Find has found in the view; nil if that was not asked
	// Affinity is what calls have in common that should go to the same peer, see [balance.Affinity]; 0 of none.
	Affinity uint64
	// Raw is whether its messages go through undecoded. A seed peer needs to know their type and cannot take it, unless
	// the method takes an Any.
	Raw bool
}

// Chooses reports whether [Route] may have to choose for the call. Only then it looks at its Balance.
func (c *Call) Chooses() bool {
	e := c.Found
	return e == nil || c.Target == "" && e.Local == nil && (e.pool != nil || len(e.Peers) == 0)
}

// Balance is what the choice among peers goes by, beside what the endpoints of the view show. It is a part of the input, so that
// route stays a function: the same view, call and balance give the same decision.
type Balance struct {
	// Turn differs from call to call; each half of it draws a peer.
	Turn uint64
	// Now is the time of the clock by which the endpoints count.
	Now int64
}

// Decision is where a call goes. Exactly one of local, refusal and peers is set.
type Decision struct {
	Local *hosted.Method
	// peers are those to try: in the order of the choice or, if there is none, all that there are.
	peers   []*RoutePeer
	choice  balance.Choice
	only    *endpoint.Endpoint // of the only peer, if others serve the method too
	Seed    bool               // peers speak the seed's protocol: messages go to them as Any
	Refusal *refusal.Refusal
	Entry   *Entry // nil for a method that no catalog names
}

// choose puts the peers of a pool into their order for a call. They stay as they are if there is no pool, as there is only one.
func (d *Decision) choose(p *pool, affinity uint64, b Balance) {
	if p != nil {
		d.peers = p.peers
		p.choice.Choose(&d.choice, affinity, b.Turn, b.Now)
	}
}

// Len is the number of peers to try.
func (d *Decision) Len() int { return len(d.peers) }

// Peer is the i-th peer to try. i is less than Len.
// The others follow in the order of their ids, so that what is tried after a failure can be foretold.
func (d *Decision) Peer(i int) *RoutePeer {
	if d.choice.Made() {
		_, i = d.choice.Member(i)
	}
	return d.peers[i]
}

// Endpoint is what is known of the i-th peer to try; nil if there is no choice, so that nothing is.
func (d *Decision) Endpoint(i int) *endpoint.Endpoint {
	if !d.choice.Made() {
		return d.only
	}
	m, _ := d.choice.Member(i)
	return m.Endpoint
}

// Probe reports whether the first peer to try was ejected: then it is tried only if its endpoint begins a probe.
func (d *Decision) Probe() bool { return d.choice.Probe() }

// suitsSeed reports whether a call can be put into an envelope. e may be nil.
// Messages of a call that came as bytes have no type name for it here.
func (e *Entry) suitsSeed(c Call) bool {
	return !c.Raw || e != nil && e.untyped()
}

// Chosen is the collector that would run the call; empty when it is refused.
func (d *Decision) Chosen(self string) string {
	switch {
	case d.Local != nil:
		return self
	case d.Len() > 0:
		return d.Peer(0).ID
	}
	return ""
}
