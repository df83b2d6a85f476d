package routing

import (
	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/mesh"
)

// Route decides where a call goes. It is pure: no I/O, no clock, no lock, and no allocation unless it refuses. A call
// with a target goes there or nowhere. Any other goes here if it can, else to the peers that serve the method, the cheaper
// of two drawn by turn first, else to seed peers, which do not tell what they serve.
func Route(v *View, c Call, b Balance) Decision {
	if v.Entrance != nil {
		return v.enter(c)
	}
	if e := c.Found; e != nil && c.Target == "" && (e.Local != nil || len(e.Peers) > 0) {
		return e.decide(c, b)
	}
	s, ok := v.Namespaces[c.Namespace]
	if !ok {
		return Decision{Refusal: v.UnknownNamespace(c.Namespace)}
	}
	e := s.Entries[c.Procedure]
	if c.Target != "" {
		return v.routeTo(s, e, c)
	}
	if e != nil && (e.Local != nil || len(e.Peers) > 0) {
		return e.decide(c, b)
	}
	if len(s.seeds) > 0 && e.suitsSeed(c) {
		d := Decision{peers: s.seeds, Seed: true, Entry: e}
		d.choose(s.seedPool, c.Affinity, b)
		return d
	}
	return Decision{Refusal: v.noRoute(s, e, c), Entry: e}
}

// decide decides a call of a method that somebody can run now.
func (e *Entry) decide(c Call, b Balance) Decision {
	if e.Local != nil {
		return Decision{Local: e.Local, Entry: e}
	}
	d := Decision{peers: e.Peers, Entry: e}
	d.choose(e.pool, c.Affinity, b)
	return d
}

// routeTo decides a call with a target: this collector by its own id, or exactly that peer.
func (v *View) routeTo(s *NamespaceIndex, e *Entry, c Call) Decision {
	if c.Target == v.Self {
		if e == nil || e.Local == nil {
			return Decision{Refusal: v.notServing(s, e, c), Entry: e}
		}
		return Decision{Local: e.Local, Entry: e}
	}
	p, ok := v.Peers[c.Target]
	if !ok {
		return Decision{Refusal: v.UnknownTarget(s, e, c), Entry: e}
	}
	switch why := whyNot(p, s, e); {
	case why == "" && (!p.Seed || e.suitsSeed(c)):
		return Decision{peers: p.alone, only: e.endpointOf(p), Seed: p.Seed, Entry: e}
	case !p.Routable:
		return Decision{Refusal: v.unreachableTarget(s, e, c, why), Entry: e}
	case p.mayServe(c) && !p.Serves(s.Name, c.Procedure):
		return Decision{Refusal: v.unreachableTarget(s, e, c, "it has not said yet what it serves"), Entry: e}
	case e != nil && e.isIncompatible(p):
		return Decision{Refusal: v.incompatible(s, e, c, p), Entry: e}
	}
	return Decision{Refusal: v.notServing(s, e, c), Entry: e}
}

// noRoute refuses a call that nobody can take now.
func (v *View) noRoute(s *NamespaceIndex, e *Entry, c Call) *refusal.Refusal {
	if e == nil || len(e.unreachable) == 0 {
		return v.unknownMethod(s, c)
	}
	r := refusal.New(connect.CodeUnavailable, mesh.ReasonUnreachable,
		"nobody who serves "+refusal.Spoken(c.Procedure)+" in namespace "+refusal.Quoted(s.Name)+" can be reached: "+blame(e.unreachable))
	r.Looked = &examined{v, s, e, c}
	return r
}

// unreachableTarget refuses a call to a target that may serve it but cannot be asked now. The code says that calling
// again may help: a target is a promise of the caller's that nobody else will do.
func (v *View) unreachableTarget(s *NamespaceIndex, e *Entry, c Call, why string) *refusal.Refusal {
	r := refusal.New(connect.CodeUnavailable, mesh.ReasonUnreachable,
		"collector "+refusal.Quoted(c.Target)+" cannot be reached: "+why+"; call it again when it is back, or without a target")
	r.Looked = &examined{v, s, e, c}
	return r
}

// notServing refuses a call to a target that is there and has no such method.
func (v *View) notServing(s *NamespaceIndex, e *Entry, c Call) *refusal.Refusal {
	message := "collector " + refusal.Quoted(c.Target) + " does not serve " + refusal.Spoken(c.Procedure) + " in namespace " + refusal.Quoted(s.Name)
	if e == nil {
		message += refusal.Suggest(c.Procedure, s.procedures())
	} else {
		message += "; call it without a target to reach who does"
	}
	r := refusal.New(connect.CodeUnimplemented, mesh.ReasonTargetNotServing, message)
	r.Looked = &examined{v, s, e, c}
	return r
}

// UnknownTarget refuses a target that this collector has no connection to.
func (v *View) UnknownTarget(s *NamespaceIndex, e *Entry, c Call) *refusal.Refusal {
	r := refusal.New(connect.CodeNotFound, mesh.ReasonTargetUnknown,
		"collector "+refusal.Quoted(v.Self)+" has no connection to a collector "+refusal.Quoted(c.Target)+refusal.Suggest(c.Target, v.collectors()))
	r.Looked = &examined{v, s, e, c}
	return r
}

// Refuses says why a call would be refused, nil if it would not. Its namespace may be empty.
func (v *View) Refuses(c Call) (r *refusal.Refusal) {
	if c.Namespace, c.Found, r = v.Find(c.Namespace, c.Procedure); r != nil {
		return r
	}
	d := Route(v, c, Balance{})
	return d.Refusal
}

// incompatible refuses a call with a target whose schema of the method is another one.
func (v *View) incompatible(s *NamespaceIndex, e *Entry, c Call, p *RoutePeer) *refusal.Refusal {
	skew, _ := skewOf(e.Incompatible, p)
	owner := e.Owner
	if e.Local != nil {
		owner = v.Self
	}
	code := connect.CodeFailedPrecondition
	if skew.Pending {
		code = connect.CodeUnavailable
	}
	r := refusal.New(code, mesh.ReasonSchemaIncompatible, "collector "+refusal.Quoted(p.ID)+" "+skew.reason+"; "+refusal.Spoken(e.Procedure)+
		" in namespace "+refusal.Quoted(s.Name)+" is what collector "+refusal.Quoted(owner)+" has: bring both to one schema, or call it without a target")
	r.Looked = &examined{v, s, e, c}
	return r
}
