package admission

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// Gate is before a method. The zero Gate is ready, and open. It must not be copied; all of its methods may be called at any
// time from many goroutines.
type Gate struct {
	untimed atomic.Uint32 // a random number is masked with it, and who gets 0 is timed
	refused atomic.Int64
	line
	governor governor
}

// Pass is a call that was let in.
type Pass struct {
	began  int64         // 0 for one that is not timed
	given  time.Duration // until its deadline; 0 if it has none
	among  int32         // calls that ran when it began, itself included
	exempt bool
}

// Arrived has the request of a call that was let in: from then on it takes its time.
func (p *Pass) Arrived(by *Policy) {
	if p.began != 0 {
		p.began = by.Clock.Now()
	}
}

// State is what a gate shows of itself.
type State struct {
	Limit   int   // calls at once; 0 for no limit
	Running int   // calls that run
	Refused int64 // calls that were refused since the start
}

// State is that of the moment.
func (g *Gate) State() State {
	return State{Limit: int(g.limit.Load()), Running: int(g.running.Load()), Refused: g.refused.Load()}
}

// Enter lets a call in, at once or after it has waited for some milliseconds; false if it is refused. Each Pass must be given to
// Leave.
func (g *Gate) Enter(ctx context.Context, p *Policy) (Pass, bool) {
	if p.Calls < 0 {
		return Pass{exempt: true}, true
	}
	among := g.running.Add(1)
	if limit := g.most(p); limit != 0 && among > limit {
		if among = g.wait(ctx, p); among == 0 {
			g.refused.Add(1)
			return Pass{}, false
		}
	}
	if rand.Uint32()&g.untimed.Load() != 0 {
		return Pass{}, true
	}
	return timed(ctx, p, among), true
}

// timed begins a sample.
func timed(ctx context.Context, p *Policy, among int32) Pass {
	pass := Pass{among: among, began: p.Clock.Now()}
	if deadline, ok := ctx.Deadline(); ok {
		pass.given = max(1, time.Until(deadline))
	}
	return pass
}

// Leave ends a call. answered tells that it did what it was called for: how long others took says nothing. It reports whether
// the gate was given a limit, or lost it.
func (g *Gate) Leave(p *Policy, pass Pass, answered bool) (changed bool) {
	if pass.exempt {
		return false
	}
	running := g.running.Add(-1)
	if answered && pass.began != 0 {
		changed = g.take(p, pass, running+1)
	}
	if g.waiting.Load() > 0 {
		g.admit(p)
	}
	return changed
}

// take adds a sample, and sets the limit that follows from it. A sample that comes beside another one is left out.
func (g *Gate) take(p *Policy, pass Pass, running int32) (changed bool) {
	if !g.governor.mu.TryLock() {
		return false
	}
	defer g.governor.mu.Unlock()
	now := p.Clock.Now()
	was := g.limit.Load()
	limit := g.governor.take(sample{
		latency: now - pass.began, among: float64(pass.among), given: pass.given.Nanoseconds(), began: pass.began,
	}, now, g.pressed.Load(), float64(running), was)
	g.untimed.Store(g.governor.untimed)
	g.usual.Store(int64(g.governor.usual.latency))
	if p.Calls == 0 {
		g.limit.Store(limit)
		return (was == 0) != (limit == 0)
	}
	return false
}
