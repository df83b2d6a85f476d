package dispatcher

import (
	"cmp"
	"slices"
	"strings"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// examined is what the router looked at before it refused.
type examined struct {
	view  *view
	space *space
	entry *entry // nil for a method that nobody has
	call  call
}

// all is every collector, and why it was not taken.
func (l *examined) All() []*meshv1.Candidate {
	return l.view.candidates(l.space, l.entry, l.call, nil)
}

func (l *examined) Count() int { return 1 + len(l.view.stations) }

// first is those of all that tell most: this collector, the target, who serves the method or did, and then the others.
func (l *examined) First(n int) []*meshv1.Candidate {
	list := []*meshv1.Candidate{l.view.localCandidate(l.space, l.entry, l.call, nil)}
	for _, st := range l.ranked(n - 1) {
		list = append(list, peerCandidate(st, l.space, l.entry, l.call, 0))
	}
	return list
}

// ranked is the peers of first, of whom there is room for, by id.
func (l *examined) ranked(n int) []*station {
	stations := make([]*station, 0, len(l.view.stations))
	for _, st := range l.view.stations {
		stations = append(stations, st)
	}
	byID := func(a, b *station) int { return strings.Compare(a.ID, b.ID) }
	if len(stations) > n {
		near := l.near()
		slices.SortFunc(stations, func(a, b *station) int { return cmp.Or(near[b]-near[a], byID(a, b)) })
		stations = stations[:n]
	}
	slices.SortFunc(stations, byID)
	return stations
}

// near says how much there is to say of peers: 0 of those that it does not have.
func (l *examined) near() map[*station]int {
	near := make(map[*station]int)
	if e := l.entry; e != nil {
		for _, st := range slices.Concat(e.peers, e.away) {
			near[st] = 1
		}
		for _, odd := range e.odd {
			near[odd.station] = 1
		}
	}
	if st, ok := l.view.stations[l.call.target]; ok {
		near[st] = 2
	}
	return near
}
