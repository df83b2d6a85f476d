package endpoint

import (
	"math"
	"sync/atomic"
	"time"
)

// HalfLife is how long it takes until half of what is known of a latency is forgotten.
const HalfLife = 2 * time.Second

// latency is a moving average that is sensitive to peaks: a slow answer counts at once and in full, and quick ones make up
// for it only with time, however many they are. It falls while nothing is observed, so that a peer that was slow is tried
// again. Two writers at once may lose what one of them observed.
type latency struct {
	nanos atomic.Uint64 // a float64; 0 until something was observed
	stamp atomic.Int64  // of the last observation
}

// at is the latency at a time; 0 if nothing is known.
func (l *latency) at(now int64) float64 {
	bits := l.nanos.Load()
	if bits == 0 {
		return 0
	}
	return math.Float64frombits(bits) * left(now-l.stamp.Load())
}

// observe takes one more answer into account, which took at least a nanosecond.
func (l *latency) observe(now int64, took float64) {
	took = max(took, 1)
	if before := math.Float64frombits(l.nanos.Load()); took < before {
		weight := left(now - l.stamp.Load())
		took = before*weight + took*(1-weight)
	}
	l.nanos.Store(math.Float64bits(took))
	l.stamp.Store(now)
}

// halves are the powers of one half that matter.
var halves = func() (h [40]float64) {
	for i := range h {
		h[i] = math.Ldexp(1, -i)
	}
	return h
}()

// left is how much of an observation is left after a time: half of it after each half-life, and a straight line between, which
// is as good here as an exponential and much cheaper.
func left(after int64) float64 {
	if after <= 0 {
		return 1
	}
	times := float64(after) / float64(HalfLife)
	whole := int(times)
	if whole >= len(halves) {
		return 0
	}
	return halves[whole] * (1 - (times-float64(whole))/2)
}
