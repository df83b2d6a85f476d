package dispatcher

import (
	"maps"
	"slices"
	"strconv"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/name"
)

// candidates tells what there is to say of every collector about a call: this one first, then those that are tried, in
// their order, then the others by id. d is the decision; nil if there is none to try.
func (v *view) candidates(s *space, e *entry, c call, d *decision) []*meshv1.Candidate {
	list := []*meshv1.Candidate{v.localCandidate(s, e, c, d)}
	ranked := make(map[string]bool)
	if d != nil {
		for i := range d.len() {
			st := d.peer(i)
			ranked[st.ID] = true
			list = append(list, peerCandidate(st, s, e, c, int32(i+1)))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(v.stations)) {
		if !ranked[id] {
			list = append(list, peerCandidate(v.stations[id], s, e, c, 0))
		}
	}
	return list
}

func (v *view) localCandidate(s *space, e *entry, c call, d *decision) *meshv1.Candidate {
	candidate := &meshv1.Candidate{CollectorId: v.self, Local: true, Reason: "not registered here"}
	if e == nil || e.local == nil {
		return candidate
	}
	candidate.Eligible = true
	candidate.Reason = "registered here in namespace " + refusal.Quoted(s.name)
	if d != nil && d.local != nil {
		candidate.Rank = 1
		return candidate
	}
	candidate.Reason += ", but the call has another target"
	candidate.Eligible = c.target == "" || c.target == v.self
	return candidate
}

func peerCandidate(st *station, s *space, e *entry, c call, rank int32) *meshv1.Candidate {
	candidate := &meshv1.Candidate{CollectorId: st.ID, Rank: rank, Reason: whyNot(st, s, e)}
	switch {
	case c.target != "" && c.target != st.ID:
		candidate.Reason = "not the target"
	case candidate.Reason != "":
	case st.Seed:
		candidate.Eligible = true
		candidate.Reason = "speaks the seed's protocol and may serve any method, shared namespace " + refusal.Quoted(s.name) + ", " + st.condition()
	default:
		candidate.Eligible = true
		candidate.Reason = "registered, shared namespace " + refusal.Quoted(s.name) + ", " + st.condition() + st.busy()
		if skew, ok := skewOf(e.varied, st); ok {
			candidate.Reason += "; " + skew.reason
		}
	}
	return candidate
}

// condition is the state of the connection in words.
func (st *station) condition() string {
	text := "connection is " + conn.StateName(st.State)
	if st.Routable() {
		return conn.StateName(st.State)
	}
	if st.Reason != "" {
		text += ": " + st.Reason
	}
	return text
}

func (st *station) busy() string {
	if n := st.load.Load(); n > 0 {
		return ", " + strconv.Itoa(int(n)) + " calls under way"
	}
	return ""
}

func (st *station) shares(namespace string) bool { return slices.Contains(st.Shared, namespace) }

func (st *station) serves(namespace, procedure string) bool {
	_, ok := st.Method(namespace, procedure)
	return ok
}

// blame lists peers with what is wrong with each.
func blame(stations []*station) string {
	texts := make([]string, 0, len(stations))
	for _, st := range stations {
		texts = append(texts, st.ID+" ("+st.condition()+")")
	}
	return refusal.Enumerate(texts)
}

func (s *space) procedures() []string { return slices.Sorted(maps.Keys(s.entries)) }

func (v *view) collectors() []string {
	return append(slices.Sorted(maps.Keys(v.stations)), v.self)
}

// serviceNames are the names by which the services of a namespace can be called, full ones first.
func (s *space) serviceNames() []string {
	names := slices.Sorted(maps.Keys(s.services))
	for _, full := range slices.Clone(names) {
		if short := name.ShortService(full); short != full {
			names = append(names, short)
		}
	}
	return names
}
