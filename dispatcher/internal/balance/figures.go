package balance

import (
	"fmt"
	"strconv"
	"time"
)

// Figures are what a member was compared by, and what came of it.
type Figures struct {
	UnderWay int32 // calls that run there from here
	// Latency is that of its answers, 0 if it is not known, and Cost what a call costs there.
	Latency, Cost time.Duration
	Verdict       string // why it was chosen, or why not
}

// Figures are those of the i-th member to try.
func (d *Choice) Figures(i int, now int64) Figures {
	at := d.index(i)
	m := d.ranking.members[at]
	f := Figures{UnderWay: m.Load.Load(), Latency: time.Duration(m.Endpoint.Latency(now)), Cost: time.Duration(d.ranking.cost(at, now))}
	if d.compared { // by what it was compared, which may have changed since
		switch at {
		case int(d.lead):
			f.Cost = time.Duration(d.costs[0])
		case int(d.other):
			f.Cost = time.Duration(d.costs[1])
		}
	}
	f.Verdict = d.verdict(at, now)
	return f
}

func (d *Choice) verdict(at int, now int64) string {
	lead, near := int(d.lead), d.ranking.near
	switch standing := d.ranking.members[at].Endpoint.Standing(now); {
	case d.probe != 0 && at == int(d.probe)-1:
		return "this call is a probe: it " + standing
	case standing != "":
		return standing
	case d.ranking.members[at].Load.Suspect.Load():
		return "suspect: calls are under way, and nothing has been heard of it"
	case at >= near:
		return "in another zone than this collector, which has peers in its own"
	case near == 1:
		return "nobody else is near and can serve"
	case d.affinity && at == lead:
		return "preferred by the affinity of the call"
	case d.affinity:
		return "the affinity of the call prefers another, or it has more than its share of calls"
	case at == lead:
		return "drawn, and costs " + shown(d.costs[0]) + " where " + strconv.Quote(d.ranking.members[d.other].ID) + " costs " + shown(d.costs[1])
	case at == int(d.other):
		return "drawn, and costs " + shown(d.costs[1])
	}
	return "not drawn"
}

// shown is a cost in nanoseconds as people read it.
func shown(cost float64) string { return fmt.Sprint(time.Duration(cost).Round(10 * time.Microsecond)) }
