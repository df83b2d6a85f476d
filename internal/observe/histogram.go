package observe

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// Latencies are counted in cells whose width is an eighth of the power of two they lie in, from a microsecond up to
// beyond a minute: eight linear cells, then eight per doubling.
const (
	cellUnit = 10 // 2^10 ns, about a microsecond
	cells    = 8 * 25
)

// cellOf is the cell of a latency.
func cellOf(d time.Duration) int {
	units := uint64(max(d, 0)) >> cellUnit
	if units < 8 {
		return int(units)
	}
	shift := bits.Len64(units) - 4
	return min(8*shift+int(units>>shift), cells-1)
}

// cellMiddle is the latency that stands for a cell. It is off by a sixteenth at most, which no reader of a latency minds.
func cellMiddle(cell int) time.Duration {
	if cell < 8 {
		return time.Duration(2*cell+1) << (cellUnit - 1)
	}
	shift := cell/8 - 1
	return time.Duration(2*(8+cell%8)+1) << (cellUnit - 1 + shift)
}

// live counts the calls of the current second. It is written by all calls and taken once a second.
type live struct {
	errors atomic.Uint32
	cells  [cells]atomic.Uint32
}

// add costs two atomic additions at most, on cells that calls of other latencies do not touch.
func (l *live) add(c *Call) {
	if c.failed() {
		l.errors.Add(1)
	}
	l.cells[cellOf(c.Duration)].Add(1)
}

// take empties l. A call that is added meanwhile may count as an error one second before or after it counts as a call.
func (l *live) take() bucket {
	b := bucket{errors: uint64(l.errors.Swap(0))}
	for i := range l.cells {
		if l.cells[i].Load() == 0 {
			continue
		}
		count := l.cells[i].Swap(0)
		b.calls += uint64(count)
		b.latencies = append(b.latencies, tally{uint8(i), count})
	}
	return b
}

// tally is how often a latency of a cell was seen.
type tally struct {
	cell  uint8
	count uint32
}

// bucket is what happened in a span of time. latencies is sorted by cell.
type bucket struct {
	calls, errors uint64
	latencies     []tally
}

// sum adds up buckets.
type sum struct {
	calls, errors uint64
	cells         [cells]uint64
}

// add takes a bucket in. It may come from any span of time.
func (s *sum) add(b bucket) {
	s.calls += b.calls
	s.errors += b.errors
	for _, t := range b.latencies {
		s.cells[t.cell] += uint64(t.count)
	}
}

// bucket keeps of 200 cells those with calls in them, which are few: a series that is idle takes next to nothing.
func (s *sum) bucket() bucket {
	b := bucket{calls: s.calls, errors: s.errors}
	for cell, count := range s.cells {
		if count > 0 {
			b.latencies = append(b.latencies, tally{uint8(cell), uint32(min(count, 1<<32-1))})
		}
	}
	return b
}

// quantile is the latency that a part q of the calls did not exceed; 0 without calls.
func (s *sum) quantile(q float64) time.Duration {
	var all uint64
	for _, count := range s.cells {
		all += count
	}
	if all == 0 {
		return 0
	}
	rank, seen := uint64(q*float64(all-1)), uint64(0)
	for cell, count := range s.cells {
		if seen += count; seen > rank {
			return cellMiddle(cell)
		}
	}
	return 0
}
