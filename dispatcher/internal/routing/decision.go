package routing

import (
	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
)

// Call is what routing needs to know of a call.
type Call struct {
	Namespace, Procedure string
	Target               string // a collector id; empty for whoever serves it
	Found                *Entry // what Find has found in the view; nil if that was not asked
	// Raw is whether its messages go through undecoded. A seed peer needs to know their type and cannot take it, unless
	// the method takes an Any.
	Raw bool
}

// Balance is what the choice among equal peers goes by. It is a part of the input, so that route stays a function: the
// same view, call and balance give the same decision.
type Balance struct {
	// Turn differs from call to call; each half of it picks a peer.
	Turn uint32
	// Load is the number of calls under way to a peer.
	Load func(*RoutePeer) int32
}

// Decision is where a call goes. Exactly one of local, refusal and peers is set.
type Decision struct {
	Local *hosted.Method
	// peers are equals, tried from lead on and around.
	peers   []*RoutePeer
	lead    int
	Seed    bool // peers speak the seed's protocol: messages go to them as Any
	Refusal *refusal.Refusal
	Entry   *Entry // nil for a method that no catalog names
}

// Len is the number of peers to try.
func (d *Decision) Len() int { return len(d.peers) }

// Peer is the i-th peer to try.
// The others follow in the order of their ids, so that what is tried after a failure can be foretold. i is less than Len.
func (d *Decision) Peer(i int) *RoutePeer { return d.peers[(d.lead+i)%len(d.peers)] }

// suitsSeed reports whether a call can be put into an envelope. e may be nil.
// Messages of a call that came as bytes have no type name for it here.
func (e *Entry) suitsSeed(c Call) bool {
	return !c.Raw || e != nil && e.untyped()
}

// lead picks the less loaded of two peers.
// Two at random, and the better of them, spreads calls nearly as well as the least loaded of all would; and unlike that
// it does not send every caller of a moment to the same peer. With one peer there is no choice and b is not asked.
func lead(peers []*RoutePeer, b Balance) int {
	n := uint32(len(peers))
	if n < 2 {
		return 0
	}
	first, second := int(b.Turn&0xffff%n), int(b.Turn>>16%n)
	if b.Load(peers[second]) < b.Load(peers[first]) {
		return second
	}
	return first
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
