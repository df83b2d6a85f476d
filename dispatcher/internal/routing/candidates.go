package routing

import (
	"maps"
	"slices"

	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// candidates tells what there is to say of every collector about a call: this one first, then those that are tried, in
// their order, then the others by id. d is the decision; nil if there is none to try.
func (v *View) candidates(s *NamespaceIndex, e *Entry, c Call, d *Decision, b Balance) []*meshv1.Candidate {
	list := []*meshv1.Candidate{v.localCandidate(s, e, c, d)}
	ranked := make(map[string]bool)
	if d != nil {
		for i := range d.Len() {
			p := d.Peer(i)
			ranked[p.ID] = true
			candidate := peerCandidate(p, s, e, c, int32(i+1))
			d.compare(candidate, i, b.Now)
			list = append(list, candidate)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(v.Peers)) {
		if !ranked[id] {
			list = append(list, peerCandidate(v.Peers[id], s, e, c, 0))
		}
	}
	return list
}

// localCandidate is this collector as a candidate. What is registered here runs here, unless the call names another target:
// then this collector is no more eligible than any other. d may be nil.
func (v *View) localCandidate(s *NamespaceIndex, e *Entry, c Call, d *Decision) *meshv1.Candidate {
	candidate := &meshv1.Candidate{CollectorId: v.Self, Local: true, Reason: "not registered here"}
	if e == nil || e.Local == nil {
		return candidate
	}
	candidate.Eligible = true
	candidate.Reason = "registered here in namespace " + refusal.Quoted(s.Name)
	if d != nil && d.Local != nil {
		candidate.Rank = 1
		return candidate
	}
	candidate.Reason += ", but the call has another target"
	candidate.Eligible = c.Target == "" || c.Target == v.Self
	return candidate
}

// peerCandidate is a peer as a candidate. Ranks count from 1; 0 is a peer that is not tried. A compatible schema that
// differs is told as well: it does not keep calls away, but people look for it here first.
func peerCandidate(p *RoutePeer, s *NamespaceIndex, e *Entry, c Call, rank int32) *meshv1.Candidate {
	candidate := &meshv1.Candidate{CollectorId: p.ID, Rank: rank, Reason: whyNot(p, s, e)}
	switch {
	case c.Target != "" && c.Target != p.ID:
		candidate.Reason = "not the target"
	case candidate.Reason != "":
	case p.Seed:
		candidate.Eligible = true
		candidate.Reason = "speaks the seed's protocol and may serve any method, shared namespace " + refusal.Quoted(s.Name) + ", " + p.condition()
	default:
		candidate.Eligible = true
		candidate.Reason = "registered, shared namespace " + refusal.Quoted(s.Name) + ", " + p.condition() + p.busy()
		if skew, ok := skewOf(e.Variants, p); ok {
			candidate.Reason += "; " + skew.reason
		}
	}
	return candidate
}

// whyNot says why a call cannot go to a peer; empty if it can. It is the one rule of eligibility: the lists that route
// reads were made by the same conditions, and a test holds them against it.
func whyNot(p *RoutePeer, s *NamespaceIndex, e *Entry) string {
	switch {
	case slices.Contains(p.Denied, s.Name):
		return "the policy of this collector does not let it serve in namespace " + refusal.Quoted(s.Name)
	case !p.shares(s.Name):
		return "does not share namespace " + refusal.Quoted(s.Name)
	case !p.Routable:
		return p.condition()
	case p.Seed:
		return ""
	case e == nil || !p.Serves(s.Name, e.Procedure):
		return "shares " + refusal.Quoted(s.Name) + " but has no such method"
	}
	skew, _ := skewOf(e.Incompatible, p)
	return skew.reason
}

// compare tells of the i-th peer to try by what it was compared with others, if it was.
func (d *Decision) compare(candidate *meshv1.Candidate, i int, now int64) {
	if !d.choice.Made() {
		return
	}
	p, f := d.Peer(i), d.choice.Figures(i, now)
	candidate.Zone, candidate.Weight, candidate.UnderWay = p.Zone, p.weight(), f.UnderWay
	candidate.LatencyNanos, candidate.CostNanos = f.Latency.Nanoseconds(), f.Cost.Nanoseconds()
	candidate.Reason += "; " + f.Verdict
}
