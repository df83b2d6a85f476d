package dispatcher

import (
	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/mesh"
)

// call is what routing needs to know of a call.
type call struct {
	namespace, procedure string
	target               string // a collector id; empty for whoever serves it
	// raw is whether its messages go through undecoded. A seed peer needs to know their type and cannot take it, unless
	// the method takes an Any.
	raw bool
}

// balance is what the choice among equal peers goes by. It is a part of the input, so that route stays a function: the
// same view, call and balance give the same decision.
type balance struct {
	// turn differs from call to call; each half of it picks a peer.
	turn uint32
	// load is the number of calls under way to a peer.
	load func(*station) int32
}

// decision is where a call goes. Exactly one of local, refusal and peers is set.
type decision struct {
	local *hosted.Method
	// peers are equals, tried from lead on and around.
	peers   []*station
	lead    int
	seed    bool // peers speak the seed's protocol: messages go to them as Any
	refusal *refusal.Refusal
	entry   *entry // nil for a method that no catalog names
}

// len is the number of peers to try.
func (d *decision) len() int { return len(d.peers) }

// peer is the i-th peer to try.
func (d *decision) peer(i int) *station { return d.peers[(d.lead+i)%len(d.peers)] }

// route decides where a call goes. It is pure: no I/O, no clock, no lock, and no allocation unless it refuses. A call
// with a target goes there or nowhere. Any other goes here if it can, else to the peers that serve the method, the less
// loaded of two picked by turn first, else to seed peers, which do not tell what they serve.
func route(v *view, c call, b balance) decision {
	s, ok := v.spaces[c.namespace]
	if !ok {
		return decision{refusal: v.unknownNamespace(c.namespace)}
	}
	e := s.entries[c.procedure]
	if c.target != "" {
		return v.routeTo(s, e, c)
	}
	if e != nil && e.local != nil {
		return decision{local: e.local, entry: e}
	}
	if e != nil && len(e.peers) > 0 {
		return decision{peers: e.peers, lead: lead(e.peers, b), entry: e}
	}
	if len(s.seeds) > 0 && e.suitsSeed(c) {
		return decision{peers: s.seeds, lead: lead(s.seeds, b), seed: true, entry: e}
	}
	return decision{refusal: v.noRoute(s, e, c), entry: e}
}

// suitsSeed reports whether a call can be put into an envelope. e may be nil.
func (e *entry) suitsSeed(c call) bool {
	return !c.raw || e != nil && e.untyped()
}

// routeTo decides a call with a target: this collector by its own id, or exactly that peer.
func (v *view) routeTo(s *space, e *entry, c call) decision {
	if c.target == v.self {
		if e == nil || e.local == nil {
			return decision{refusal: v.notServing(s, e, c), entry: e}
		}
		return decision{local: e.local, entry: e}
	}
	st, ok := v.stations[c.target]
	if !ok {
		return decision{refusal: v.unknownTarget(s, e, c), entry: e}
	}
	switch why := whyNot(st, s, e); {
	case why == "" && (!st.Seed || e.suitsSeed(c)):
		return decision{peers: st.alone, seed: st.Seed, entry: e}
	case !st.Routable():
		return decision{refusal: v.unreachableTarget(s, e, c, why), entry: e}
	case st.mayServe(c) && !st.serves(s.name, c.procedure):
		return decision{refusal: v.unreachableTarget(s, e, c, "it has not said yet what it serves"), entry: e}
	case e != nil && e.isOdd(st):
		return decision{refusal: v.incompatible(s, e, c, st), entry: e}
	}
	return decision{refusal: v.notServing(s, e, c), entry: e}
}

// lead picks the less loaded of two peers.
func lead(peers []*station, b balance) int {
	n := uint32(len(peers))
	if n < 2 {
		return 0
	}
	first, second := int(b.turn&0xffff%n), int(b.turn>>16%n)
	if b.load(peers[second]) < b.load(peers[first]) {
		return second
	}
	return first
}

// whyNot says why a call cannot go to a peer; empty if it can. It is the one rule of eligibility: the lists that route
// reads were made by the same conditions, and a test holds them against it.
func whyNot(st *station, s *space, e *entry) string {
	switch {
	case !st.shares(s.name):
		return "does not share namespace " + refusal.Quoted(s.name)
	case !st.Routable():
		return st.condition()
	case st.Seed:
		return ""
	case e == nil || !st.serves(s.name, e.procedure):
		return "shares " + refusal.Quoted(s.name) + " but has no such method"
	}
	skew, _ := skewOf(e.odd, st)
	return skew.reason
}

// noRoute refuses a call that nobody can take now.
func (v *view) noRoute(s *space, e *entry, c call) *refusal.Refusal {
	if e == nil || len(e.away) == 0 {
		return v.unknownMethod(s, c)
	}
	r := refusal.New(connect.CodeUnavailable, mesh.ReasonUnreachable,
		"nobody who serves "+refusal.Spoken(c.procedure)+" in namespace "+refusal.Quoted(s.name)+" can be reached: "+blame(e.away))
	r.Looked = &examined{v, s, e, c}
	return r
}

func (v *view) unreachableTarget(s *space, e *entry, c call, why string) *refusal.Refusal {
	r := refusal.New(connect.CodeUnavailable, mesh.ReasonUnreachable,
		"collector "+refusal.Quoted(c.target)+" cannot be reached: "+why+"; call it again when it is back, or without a target")
	r.Looked = &examined{v, s, e, c}
	return r
}

func (v *view) notServing(s *space, e *entry, c call) *refusal.Refusal {
	message := "collector " + refusal.Quoted(c.target) + " does not serve " + refusal.Spoken(c.procedure) + " in namespace " + refusal.Quoted(s.name)
	if e == nil {
		message += refusal.Suggest(c.procedure, s.procedures())
	} else {
		message += "; call it without a target to reach who does"
	}
	r := refusal.New(connect.CodeUnimplemented, mesh.ReasonTargetNotServing, message)
	r.Looked = &examined{v, s, e, c}
	return r
}

func (v *view) unknownTarget(s *space, e *entry, c call) *refusal.Refusal {
	r := refusal.New(connect.CodeNotFound, mesh.ReasonTargetUnknown,
		"collector "+refusal.Quoted(v.self)+" has no connection to a collector "+refusal.Quoted(c.target)+refusal.Suggest(c.target, v.collectors()))
	r.Looked = &examined{v, s, e, c}
	return r
}

// explain decides a call and tells what route made of each collector. The decision is route's own.
func explain(v *view, c call, b balance) (decision, []*meshv1.Candidate) {
	d := route(v, c, b)
	s, ok := v.spaces[c.namespace]
	if !ok {
		return d, nil
	}
	return d, v.candidates(s, s.entries[c.procedure], c, &d)
}
