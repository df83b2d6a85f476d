package balance

import "math"

// crowded is how many times its share of the calls a member may have under way before calls with an affinity go to the next.
const crowded = 1.25

// rendezvous is the near member that an affinity prefers, of those that are not crowded: rendezvous hashing with bounded load.
// A member that comes or goes moves only the keys that it gets or had.
func (r *Ranking) rendezvous(affinity uint64) int {
	room := r.room()
	best, most := 0, math.Inf(-1)
	for i, m := range r.members[:r.near] {
		if float64(m.Load.Load()) >= room*r.share(i) {
			continue
		}
		if preference := r.preference(i, affinity); preference > most {
			best, most = i, preference
		}
	}
	return best
}

// room is how many calls the heaviest of the near members may have under way and not be crowded, this one included. There is
// always one with room: not all can have more than their share.
func (r *Ranking) room() float64 {
	calls, shares := int32(1), 0.0
	for i, m := range r.members[:r.near] {
		calls += m.Load.Load()
		shares += r.share(i)
	}
	return math.Ceil(crowded * float64(calls) / shares)
}

// preference is how much an affinity prefers a near member. Of one that weighs twice as much as another, twice as many prefer it.
func (r *Ranking) preference(i int, affinity uint64) float64 {
	h := Mixed(r.members[i].Hash ^ Mixed(affinity))
	return r.share(i) / -math.Log((float64(h>>11)+0.5)/(1<<53))
}
