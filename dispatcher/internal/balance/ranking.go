package balance

import (
	"math/bits"
	"slices"
)

// Ranking is the order of the members of a pool. It never changes.
type Ranking struct {
	members []Member // in that order
	order   []int32  // where each of them is in the pool
	near    int      // of how many of them calls choose; at least one
	// tickets are the weight of each near member and of all before it together, and shares what each can take beside the
	// heaviest. Both are nil if all weigh the same, as they mostly do.
	tickets []uint32
	shares  []float64
	out     []int32 // members that are ejected, or get only probes
	version uint64  // of the tracker, by which it was made
	until   int64   // as long as it holds
}

// newRanking puts members into the order of their places, the smallest first, which is that of the near ones. In a place they
// keep the order that they have.
func newRanking(members []Member, places []place) *Ranking {
	r := new(Ranking)
	for i := range members {
		r.order = append(r.order, int32(i))
	}
	slices.SortStableFunc(r.order, func(a, b int32) int { return int(places[a] - places[b]) })
	for _, i := range r.order {
		r.members = append(r.members, members[i])
		if places[i] == places[r.order[0]] {
			r.near++
		}
		if places[i] == placeEjected {
			r.out = append(r.out, int32(len(r.members)-1))
		}
	}
	r.weigh()
	return r
}

// weigh fills what follows from the weights of the near members.
func (r *Ranking) weigh() {
	near := r.members[:r.near]
	heaviest := slices.MaxFunc(near, func(a, b Member) int { return int(a.Weight) - int(b.Weight) }).Weight
	if !slices.ContainsFunc(near, func(m Member) bool { return m.Weight != heaviest }) {
		return
	}
	sum := uint32(0)
	for _, m := range near {
		sum += m.Weight
		r.tickets = append(r.tickets, sum)
		r.shares = append(r.shares, float64(m.Weight)/float64(heaviest))
	}
}

// probe is a member that was ejected and may get a probe, counted from 1; 0 if there is none. It is the first for which no probe is
// under way.
func (r *Ranking) probe(now int64) int32 {
	for _, i := range r.out {
		if e := r.members[i].Endpoint; now >= e.Until() && !e.Probed() {
			return i + 1
		}
	}
	return 0
}

// share is what a near member can take, beside the heaviest.
func (r *Ranking) share(i int) float64 {
	if r.shares == nil || i >= r.near {
		return 1
	}
	return r.shares[i]
}

// draw draws two different near members, of which there are two, each as often as it weighs. Each half of turn draws one.
func (r *Ranking) draw(turn uint64) (first, second int) {
	if r.tickets == nil {
		first, second = scaled(turn, r.near), scaled(turn<<32, r.near-1)
		if second >= first {
			second++
		}
		return first, second
	}
	all := int(r.tickets[r.near-1])
	first = r.holder(uint32(scaled(turn, all)))
	weight := r.members[first].Weight
	drawn := uint32(scaled(turn<<32, all-int(weight))) // of the tickets that are left
	if drawn >= r.tickets[first]-weight {
		drawn += weight
	}
	return first, r.holder(drawn)
}

// holder is who has a ticket.
func (r *Ranking) holder(ticket uint32) int {
	i, _ := slices.BinarySearch(r.tickets, ticket+1)
	return i
}

// scaled makes a number below n of the upper half of a turn.
func scaled(turn uint64, n int) int {
	number, _ := bits.Mul64(turn&^(1<<32-1), uint64(n))
	return int(number)
}
