package routing

import (
	"cmp"
	"slices"
	"strings"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// examined is what the router looked at before it refused.
// A refusal keeps it instead of a text of every collector, since most refusals are never asked for that. It holds the
// view, so it must not outlive the call for long.
type examined struct {
	view  *View
	space *NamespaceIndex
	entry *Entry // nil for a method that nobody has
	call  Call
}

// all is every collector, and why it was not taken.
func (l *examined) All() []*meshv1.Candidate {
	return l.view.candidates(l.space, l.entry, l.call, nil, Balance{})
}

// Count is how many collectors All has.
func (l *examined) Count() int { return 1 + len(l.view.Peers) }

// first is those of all that tell most: this collector, the target, who serves the method or did, and then the others.
// It bounds what an error carries in a mesh of hundreds; n is at least 1.
func (l *examined) First(n int) []*meshv1.Candidate {
	list := []*meshv1.Candidate{l.view.localCandidate(l.space, l.entry, l.call, nil)}
	for _, p := range l.ranked(n - 1) {
		list = append(list, peerCandidate(p, l.space, l.entry, l.call, 0))
	}
	return list
}

// ranked is the peers of first, of whom there is room for, by id.
func (l *examined) ranked(n int) []*RoutePeer {
	peers := make([]*RoutePeer, 0, len(l.view.Peers))
	for _, p := range l.view.Peers {
		peers = append(peers, p)
	}
	byID := func(a, b *RoutePeer) int { return strings.Compare(a.ID, b.ID) }
	if len(peers) > n {
		near := l.near()
		slices.SortFunc(peers, func(a, b *RoutePeer) int { return cmp.Or(near[b]-near[a], byID(a, b)) })
		peers = peers[:n]
	}
	slices.SortFunc(peers, byID)
	return peers
}

// near says how much there is to say of peers: 0 of those that it does not have.
func (l *examined) near() map[*RoutePeer]int {
	near := make(map[*RoutePeer]int)
	if e := l.entry; e != nil {
		for _, p := range slices.Concat(e.Peers, e.unreachable) {
			near[p] = 1
		}
		for _, odd := range e.Incompatible {
			near[odd.RoutePeer] = 1
		}
	}
	if p, ok := l.view.Peers[l.call.Target]; ok {
		near[p] = 2
	}
	return near
}
