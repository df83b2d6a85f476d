package balance

import (
	"cmp"
	"math"
	"slices"
)

// place is how far behind a member is in the ranking.
type place int

// The places, the nearest first.
const (
	placeNear place = iota
	placeElsewhere
	placeSuspect
	placeEjected
)

// roster is the members of a pool, and the zone of this collector.
type roster struct {
	members []Member
	zone    string
}

// places are those of the members. Suspects are avoided as long as anybody else can serve, the ejected even then, but they are never
// more than half. Members of other zones are near if too few of that of this collector are left.
func (p *roster) places(now int64) []place {
	places := make([]place, len(p.members))
	for i := range p.members {
		if p.members[i].Load.Suspect.Load() {
			places[i] = placeSuspect
		}
	}
	for _, i := range p.ejected() {
		places[i] = placeEjected
	}
	if p.zoneSuffices(places) {
		for i, m := range p.members {
			if places[i] == placeNear && m.Zone != p.zone {
				places[i] = placeElsewhere
			}
		}
	}
	return places
}

// ejected are the members that are ejected. The group sees to it that they are at most half of all that serve the service, and here
// they are at most half of those that serve the method: the others, whose ejection ends first, serve.
func (p *roster) ejected() []int {
	var ejected []int
	for i, m := range p.members {
		if m.Endpoint.Until() != 0 {
			ejected = append(ejected, i)
		}
	}
	slices.SortFunc(ejected, func(a, b int) int { return cmp.Compare(p.members[b].Endpoint.Until(), p.members[a].Endpoint.Until()) })
	return ejected[:min(len(ejected), len(p.members)/2)]
}

// zoneSuffices reports whether calls stay in the zone of this collector: at least half of the members there can serve.
func (p *roster) zoneSuffices(places []place) bool {
	all, good := 0, 0
	for i, m := range p.members {
		if p.zone != "" && m.Zone == p.zone {
			all++
			if places[i] == placeNear {
				good++
			}
		}
	}
	return good > 0 && 2*good >= all
}

// until is when the next ejection is over: from then on another ranking holds.
func (p *roster) until(now int64) int64 {
	first := int64(math.MaxInt64)
	for _, m := range p.members {
		if until := m.Endpoint.Until(); until > now {
			first = min(first, until)
		}
	}
	return first
}
