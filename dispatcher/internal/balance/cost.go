package balance

import (
	"slices"

	"github.com/collectiverpc/collective/dispatcher/internal/endpoint"
)

// cost is what a call costs on a member. One of which nothing is known is taken for as quick as the median of the others: it is
// neither avoided nor sent everything at once.
func (r *Ranking) cost(i int, now int64) float64 {
	latency := r.members[i].Endpoint.Latency(now)
	if latency == 0 {
		latency = r.median(now)
	}
	return endpoint.Cost(latency, r.members[i].Load.Load(), r.share(i))
}

// medianOf bounds of how many members the median is made.
const medianOf = 64

// median is the median latency of the near members of which it is known; 0 if it is of none.
func (r *Ranking) median(now int64) float64 {
	var known [medianOf]float64
	n := 0
	for _, m := range r.members[:min(r.near, medianOf)] {
		if latency := m.Endpoint.Latency(now); latency > 0 {
			known[n] = latency
			n++
		}
	}
	if n == 0 {
		return 0
	}
	slices.Sort(known[:n])
	return known[n/2]
}
