package dispatcher

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// A refusal travels in headers, gRPC's twice and one of them in base64. Clients take as little as 8 KiB of all headers
// together.
const (
	maxFailure      = 4<<10 - 128 // bytes of a message and its CallFailure, but for what is around them
	maxMessage      = 1 << 10     // bytes of the message
	maxCandidates   = 16
	maxCandidateWhy = 256 // bytes of what is said of a candidate
)

// looked is what the router looked at before it refused.
type looked struct {
	view  *view
	space *space
	entry *entry // nil for a method that nobody has
	call  call
}

// all is every collector, and why it was not taken.
func (l *looked) all() []*meshv1.Candidate {
	if l == nil {
		return nil
	}
	return l.view.candidates(l.space, l.entry, l.call, nil)
}

// tell puts into a failure as much of it as room, in bytes, allows.
func (l *looked) tell(failure *meshv1.CallFailure, room int) {
	if l == nil {
		return
	}
	for _, candidate := range l.first() {
		candidate.Reason = clipped(candidate.GetReason(), maxCandidateWhy)
		failure.Candidates = append(failure.Candidates, candidate)
		failure.OmittedCandidates = int32(1 + len(l.view.stations) - len(failure.GetCandidates()))
		if proto.Size(failure) > room {
			failure.Candidates = failure.GetCandidates()[:len(failure.GetCandidates())-1]
			failure.OmittedCandidates++
			return
		}
	}
}

// first is those of all that tell most: this collector, the target, who serves the method or did, and then the others.
func (l *looked) first() []*meshv1.Candidate {
	list := []*meshv1.Candidate{l.view.localCandidate(l.space, l.entry, l.call, nil)}
	for _, st := range l.ranked() {
		list = append(list, peerCandidate(st, l.space, l.entry, l.call, 0))
	}
	return list
}

// ranked is the peers of first, of whom there is room for, by id.
func (l *looked) ranked() []*station {
	stations := make([]*station, 0, len(l.view.stations))
	for _, st := range l.view.stations {
		stations = append(stations, st)
	}
	byID := func(a, b *station) int { return strings.Compare(a.ID, b.ID) }
	if len(stations) >= maxCandidates {
		near := l.near()
		slices.SortFunc(stations, func(a, b *station) int { return cmp.Or(near[b]-near[a], byID(a, b)) })
		stations = stations[:maxCandidates-1]
	}
	slices.SortFunc(stations, byID)
	return stations
}

// near says how much there is to say of peers: 0 of those that it does not have.
func (l *looked) near() map[*station]int {
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

// clipped cuts a text to a number of bytes, with a sign that it was.
func clipped(text string, most int) string {
	const sign = "…"
	if len(text) <= most {
		return text
	}
	cut := most - len(sign)
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + sign
}
