package admission

import (
	"math/bits"
	"sync"
	"time"
)

const (
	// LeastLimit is how many calls of a method always run at once, if no fixed limit says less.
	LeastLimit = 8
	// Slack is how long calls may take beside what they usually do, however short that is.
	Slack = 20 * time.Millisecond
	// LimitAge is how long a limit stays that nobody meets.
	LimitAge = time.Second
	// Danger is the part of the time until its deadline that a call may take before a queue is too long.
	Danger = 0.33

	// surge is how many times more calls run when one ends than when it began, if a limit is to come at once and not by and by.
	surge = 1.5
	// trial is how many of the calls are left at first if it is to come by and by.
	trial = 0.7
	// longEnough is after how many windows a queue is one that does not grow: callers leave it as fast as others come.
	longEnough = 4
	// sure is after how many windows in which few calls took as long as many it is not their number that makes them slow.
	sure = 2
)

// governor makes the limit of a gate from samples.
type governor struct {
	mu sync.Mutex // tried by who has a sample, and never waited for
	window
	usual   summary // while few calls run
	suspect summary // the first of the windows in a row that were over; among 0 if the last was not
	windows int     // since then
	cut     summary // the worst of what the limit was made of
	before  window  // of calls that began before there was a limit and end under it
	since   int64   // calls that began before say nothing of the limit
	untimed uint32
}

// take adds a sample and returns the limit that is right from then on, 0 for none. pressed is when a call last found no
// place, and running how many ran with the one that has ended.
func (g *governor) take(s sample, now, pressed int64, running float64, limit int32) int32 {
	if limit != 0 && now-max(pressed, g.since) > LimitAge.Nanoseconds() {
		limit = 0
		g.suspect, g.windows = summary{}, 0
	}
	if limit != 0 && s.began < g.since {
		g.remember(s, now)
		return limit
	}
	if !g.window.add(s, now) {
		return limit
	}
	g.thin(now - g.window.from)
	seen := g.window.close()
	queued := g.learn(seen, limit != 0)
	if limit == 0 {
		return g.judge(seen, now, running, queued)
	}
	return g.adapt(seen, now, limit)
}

// thin has as many calls timed as there is room for in a window.
func (g *governor) thin(took int64) {
	const room = windowRoom
	switch {
	case g.window.count > 2*room:
		g.untimed = min((g.untimed+1)<<bits.Len(uint(g.window.count/room)), 1<<12) - 1
	case took > 2*windowLength.Nanoseconds():
		g.untimed /= 2
	}
}

// learn follows what calls take while few run. More calls can take longer by their number at most, so what is beyond that is
// of the method itself; under a limit other methods may have left a queue behind. It reports whether their number explains what they take.
func (g *governor) learn(seen summary, limited bool) (queued bool) {
	if g.usual.among == 0 {
		g.usual = seen
		return false
	}
	alone := seen.latency * min(1, g.usual.among/seen.among)
	queued = alone <= 1.5*g.usual.latency
	switch {
	case !queued && !limited:
		g.usual.latency = alone
	case seen.latency < g.usual.latency:
		g.usual.latency += (seen.latency - g.usual.latency) / 4
	}
	switch {
	case seen.among < g.usual.among:
		g.usual.among += (seen.among - g.usual.among) / 64
	case seen.latency < 1.25*g.usual.latency:
		g.usual.among = seen.among
	}
	return queued
}

// late is how long calls may take while there is no limit, and target under one.
func (g *governor) late() float64   { return g.usual.latency + max(g.usual.latency, float64(Slack)) }
func (g *governor) target() float64 { return g.usual.latency + max(g.usual.latency/2, float64(Slack)) }

// remember takes a sample of a call that began before the limit, or before it was changed: it tells how bad it was.
func (g *governor) remember(s sample, now int64) {
	if !g.before.add(s, now) {
		return
	}
	if seen := g.before.close(); seen.latency > g.cut.latency {
		g.cut = seen
	}
}

// judge gives a limit to a gate that has none, if it has to have one.
func (g *governor) judge(seen summary, now int64, running float64, queued bool) int32 {
	next := seen.latency * max(1, running/seen.among) // what a call will take that begins now
	if seen.latency <= g.late() || running <= LeastLimit || next <= Danger*seen.given {
		g.suspect, g.windows = summary{}, 0
		return 0
	}
	surges := running >= surge*seen.among
	switch g.windows++; {
	case g.suspect.among == 0:
		g.suspect = seen
		if !queued || !surges {
			return 0
		}
	case flat(g.suspect, seen):
		return g.clear(seen)
	case !apart(g.suspect, seen) && g.windows < longEnough:
		return 0
	}
	g.cut, g.windows = seen, 0
	if !surges { // it may be the method that becomes slower: fewer of them show it
		return g.set(trial*seen.among, now)
	}
	return g.set(seen.among*g.target()/seen.latency, now)
}

// clear takes a limit away, or the suspicion: it is the method itself that takes so long.
func (g *governor) clear(seen summary) int32 {
	g.usual, g.suspect, g.windows = seen, summary{}, 0
	return 0
}

// adapt changes a limit by what calls took under it.
func (g *governor) adapt(seen summary, now int64, limit int32) int32 {
	over := seen.latency / g.target()
	switch {
	case over <= 1:
		g.windows = 0
		return g.set(float64(limit)+max(1, float64(limit)/8), g.since)
	case !flat(g.cut, seen):
		g.windows = 0
		return g.set(float64(limit)/min(over, 2), now)
	}
	if g.windows++; g.windows < sure {
		return limit
	}
	return g.clear(seen)
}

func (g *governor) set(limit float64, since int64) int32 {
	g.since = since
	return int32(max(limit, LeastLimit))
}
