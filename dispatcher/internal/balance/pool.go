package balance

import (
	"sync/atomic"

	"github.com/collectiverpc/collective/dispatcher/internal/endpoint"
)

// Pool is what calls may go to: at least two members. It is safe for concurrent use.
type Pool struct {
	roster
	tracker *endpoint.Tracker
	// ranked is the ranking of the moment. It follows from the above; that it is kept saves making it for each call.
	ranked atomic.Pointer[Ranking]
}

// NewPool makes a pool for a collector in a zone, which may be empty. It keeps members, whose endpoints are of the tracker.
func NewPool(members []Member, zone string, tracker *endpoint.Tracker) *Pool {
	return &Pool{roster: roster{members, zone}, tracker: tracker}
}

// Members are those of the pool. They must not be changed.
func (p *Pool) Members() []Member { return p.members }

// ranking is that of the moment.
func (p *Pool) ranking(now int64) *Ranking {
	version := p.tracker.Version()
	if r := p.ranked.Load(); r != nil && r.version == version && now < r.until {
		return r
	}
	r := newRanking(p.members, p.places(now))
	r.version, r.until = version, p.until(now)
	p.ranked.Store(r)
	return r
}

// Choice is the order in which members are tried for a call: the one at lead first, then the other near ones, around, then the
// rest. So what is tried after a failure can be foretold. It never changes.
type Choice struct {
	ranking *Ranking
	// other is the member that was drawn beside lead, if they were compared, and costs what the call costs at lead and there.
	lead, other int32
	costs       [2]float64
	compared    bool
	affinity    bool
	probe       int32 // the member that is tried first, for a probe, counted from 1; 0 if there is none
}

// Choose chooses for a call with an affinity, or none, at a time. turn differs from call to call; each half of it draws a member.
// It goes into d, which must be zero.
func (p *Pool) Choose(d *Choice, affinity, turn uint64, now int64) {
	r := p.ranking(now)
	d.ranking = r
	switch {
	case r.near < 2:
	case affinity != 0:
		d.lead, d.affinity = int32(r.rendezvous(affinity)), true
	default:
		first, second := r.draw(turn)
		d.lead, d.other, d.compared = int32(first), int32(second), true
		d.costs = [2]float64{r.cost(first, now), r.cost(second, now)}
		if d.costs[1] < d.costs[0] {
			d.lead, d.other = d.other, d.lead
			d.costs[0], d.costs[1] = d.costs[1], d.costs[0]
		}
	}
	d.probe = r.probe(now)
}

// Made reports whether there was a choice. The other methods may be called only then.
func (d *Choice) Made() bool { return d.ranking != nil }

// Member is the i-th member to try, and where it is in the pool.
func (d *Choice) Member(i int) (m *Member, at int) {
	i = d.index(i)
	return &d.ranking.members[i], int(d.ranking.order[i])
}

// Probe reports whether the first member to try is one that was ejected and may serve again. It is tried only if its endpoint
// begins a probe.
func (d *Choice) Probe() bool { return d.probe != 0 }

// index is where the i-th member to try is in the ranking.
func (d *Choice) index(i int) int {
	if d.probe == 0 {
		return d.usual(i)
	}
	probe := int(d.probe) - 1
	if i == 0 {
		return probe
	}
	if i <= probe {
		return d.usual(i - 1)
	}
	return i
}

// usual is index without a probe.
func (d *Choice) usual(i int) int {
	if i >= d.ranking.near {
		return i
	}
	return (int(d.lead) + i) % d.ranking.near
}
