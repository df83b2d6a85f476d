package observe

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/cow"
)

// Recorder remembers what a collector saw. All methods are safe for concurrent use; a nil Recorder ignores calls.
type Recorder struct {
	self   string
	limits Limits
	calls  *ring

	all    *series                         // never written by calls
	series atomic.Pointer[map[key]*series] // replaced as a whole when a series is added
	counts map[meshv1.SeriesKind]int       // of series by kind, guarded by mu

	// mu guards the buckets of all series, and the adding of series. No call waits for it, except the first of a method.
	mu    sync.Mutex
	epoch time.Time // when second 0 began
	// now is the current second, which is not in the buckets yet. The first call of another second, or whoever asks,
	// puts it there. It changes under mu.
	now atomic.Int64

	changes changes
	history *historyWriter // nil if nothing is kept in a file

	watchers *watchers
	stop     chan struct{}
	stopOnce sync.Once
}

// New makes a Recorder for the collector with id self. It has no goroutine of its own.
func New(self string, limits Limits) *Recorder {
	limits = limits.withDefaults()
	r := &Recorder{
		self: self, limits: limits,
		calls:  newRing(limits.Calls),
		all:    &series{key: key{kind: meshv1.SeriesKind_SERIES_KIND_COLLECTOR, name: self}},
		counts: make(map[meshv1.SeriesKind]int),
		epoch:  time.Now(),
		stop:   make(chan struct{}), watchers: newWatchers(limits.Watchers),
	}
	r.series.Store(&map[key]*series{r.all.key: r.all})
	return r
}

// Close ends the watchers. What was recorded stays readable. It may be called again.
func (r *Recorder) Close() { r.stopOnce.Do(func() { close(r.stop) }) }

// Record remembers a finished call, of which it keeps a copy. It does not wait for anyone.
func (r *Recorder) Record(c *Call) {
	if r == nil {
		return
	}
	r.tickOver(c.Start.Add(c.Duration))
	if peer := c.peer(r.self); peer != "" {
		r.find(key{kind: meshv1.SeriesKind_SERIES_KIND_PEER, name: peer}, true).live.add(c)
	}
	method := key{meshv1.SeriesKind_SERIES_KIND_METHOD, c.Namespace, c.Procedure}
	r.find(method, c.ran()).live.add(c)
	r.calls.add(c)
}

// find returns the series of a key. A name that nothing proves to exist gets no series of its own.
func (r *Recorder) find(k key, proven bool) *series {
	if s, ok := (*r.series.Load())[k]; ok {
		return s
	}
	if !proven {
		k = key{kind: k.kind, name: otherNames}
	}
	return r.add(k)
}

// add makes a series, or answers that which somebody else made meanwhile. Where there are as many as allowed, it is the one
// that all others share.
func (r *Recorder) add(k key) *series {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counts[k.kind] >= r.most(k.kind) {
		k = key{kind: k.kind, name: otherNames}
	}
	old := *r.series.Load()
	if s, ok := old[k]; ok {
		return s
	}
	next := cow.With(old, k, &series{key: k})
	r.counts[k.kind]++
	r.series.Store(&next)
	return next[k]
}

// most is how many series of a kind have a name of their own.
func (r *Recorder) most(kind meshv1.SeriesKind) int {
	if kind == meshv1.SeriesKind_SERIES_KIND_PEER {
		return r.limits.Peers
	}
	return r.limits.Methods
}

// tickOver ends the seconds before a moment, unless somebody is about to: no call waits for another.
func (r *Recorder) tickOver(at time.Time) {
	if now := r.second(at); now > r.now.Load() && r.mu.TryLock() {
		r.turn(now)
		r.mu.Unlock()
	}
}

// second is the number of the second that a moment lies in, by the monotonic clock: setting the clock moves no call.
func (r *Recorder) second(at time.Time) int64 { return int64(at.Sub(r.epoch) / time.Second) }

// turn ends all seconds before now. What was counted since the last turn belongs to the first of them. Callers hold mu.
func (r *Recorder) turn(now int64) {
	first := max(r.now.Load(), now-hour)
	for second := first; second < now; second++ {
		r.turnOne(second, second == first)
	}
	r.now.Store(max(first, now))
}

// turnOne ends a second. Every call is in the series of its method, so that the collector's is their sum. counted is
// false for the seconds of a silence, which need no look at the counters.
func (r *Recorder) turnOne(second int64, counted bool) {
	all := new(sum)
	for _, s := range *r.series.Load() {
		if s == r.all {
			continue
		}
		var b bucket
		if counted {
			b = s.live.take()
		}
		s.turn(second, b)
		if s.kind == meshv1.SeriesKind_SERIES_KIND_METHOD {
			all.add(b)
		}
	}
	r.all.turn(second, all.bucket())
}

// sorted lists the series: the collector's, peers', methods', by name. Callers hold mu.
func (r *Recorder) sorted() []*series {
	return slices.SortedFunc(maps.Values(*r.series.Load()), func(a, b *series) int { return a.compare(b.key) })
}
