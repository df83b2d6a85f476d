package endpoint

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// How endpoints are judged by the share of their calls that fail, as in gRFC A50 and Envoy's outlier detection, but beside the
// others of the group, of which there may be only one.
const (
	// ReviewEach is how much time passes between reviews.
	ReviewEach = 10 * time.Second
	// ReviewCalls is how many calls of it, and of all others together, there must be to tell.
	ReviewCalls = 50
	// ReviewShare is how much larger a share of its calls must fail than of the others, and reviewSigma how many standard
	// deviations that must be.
	ReviewShare = 0.1
	reviewSigma = 4
)

// Group is the endpoints of a service: those of all peers that serve some of its methods. It ejects those that fail: never more
// than half of those that can be called, so that the last one never is. All methods are safe for concurrent use. Calls take its
// lock only when one has failed [Row] times, or is a probe.
type Group struct {
	tracker            *Tracker
	namespace, service string
	due                atomic.Int64 // when the next review is

	mu        sync.Mutex
	endpoints map[string]*Endpoint // by the id of the peer
}

// NewGroup makes an empty group.
func (t *Tracker) NewGroup(namespace, service string) *Group {
	g := &Group{tracker: t, namespace: namespace, service: service, endpoints: make(map[string]*Endpoint)}
	g.due.Store(t.Now() + int64(ReviewEach))
	return g
}

// Endpoint is that of a peer, the same each time.
func (g *Group) Endpoint(peer string) *Endpoint {
	g.mu.Lock()
	defer g.mu.Unlock()
	e := g.endpoints[peer]
	if e == nil {
		e = &Endpoint{judge: g, peer: peer}
		g.endpoints[peer] = e
	}
	return e
}

// Keep says which peers can be called now, and which are known beside them; others are forgotten.
func (g *Group) Keep(present, known func(peer string) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for id, e := range g.endpoints {
		if e.present = present(id); !e.present && !known(id) {
			delete(g.endpoints, id)
		}
	}
}

// Tracker is what the group has in common with others.
func (g *Group) Tracker() *Tracker { return g.tracker }

// Avoided is what there is to say of each endpoint that calls avoid, by the id of its peer.
func (g *Group) Avoided(now int64) map[string]string {
	g.mu.Lock()
	defer g.mu.Unlock()
	avoided := make(map[string]string)
	for id, e := range g.endpoints {
		if e.standing.out() {
			avoided[id] = g.text(e, now)
		}
	}
	return avoided
}

func (g *Group) failed(e *Endpoint, now int64, why string) {
	g.mu.Lock()
	told := g.eject(e, now, strconv.Itoa(Row)+" × "+why)
	g.mu.Unlock()
	g.inform(told)
}

// eject ejects an endpoint if it may, and returns what is to be told. mu is held.
func (g *Group) eject(e *Endpoint, now int64, why string) []Event {
	if e.standing.out() || !g.mayEject(e) {
		return nil
	}
	e.standing.eject(now, why)
	return g.publish(e, now)
}

// mayEject reports whether half of the endpoints that can be called are left without one. mu is held.
func (g *Group) mayEject(e *Endpoint) bool {
	present, out := 0, 1
	for _, other := range g.endpoints {
		if other.present {
			present++
			if other != e && other.standing.out() {
				out++
			}
		}
	}
	return e.present && 2*out <= present
}

// publish lets calls see the standing of an endpoint. mu is held.
func (g *Group) publish(e *Endpoint, now int64) []Event {
	e.until.Store(e.standing.until)
	e.probed.Store(e.standing.probed)
	e.row.Store(0)
	g.tracker.Changed()
	return []Event{{Peer: e.peer, Namespace: g.namespace, Service: g.service, Standing: g.text(e, now)}}
}

// inform tells events, without a lock.
func (g *Group) inform(events []Event) {
	for _, event := range events {
		g.tracker.told(event)
	}
}

func (g *Group) slower(e *Endpoint, now int64, took float64) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, other := range g.endpoints {
		if known := other.latency.at(now); other != e && other.present && known > 0 && 2*known <= took && now-other.latency.stamp.Load() < int64(ReviewEach) {
			return true
		}
	}
	return false
}

func (g *Group) probe(e *Endpoint, now int64) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	begun := e.standing.probe(now)
	e.probed.Store(e.standing.probed)
	return begun
}

func (g *Group) proved(e *Endpoint, now int64, outcome Outcome, why string) {
	g.mu.Lock()
	told := g.prove(e, now, outcome, why)
	e.probed.Store(e.standing.probed)
	g.mu.Unlock()
	g.inform(told)
}

// prove ends a probe. mu is held.
func (g *Group) prove(e *Endpoint, now int64, outcome Outcome, why string) []Event {
	switch outcome {
	case Answered:
		if !e.standing.proved(now) {
			return nil
		}
	case Failed:
		e.standing.refuted(now, why)
	default:
		e.standing.unproved()
		return nil
	}
	return g.publish(e, now)
}

func (g *Group) review(now int64) {
	due := g.due.Load()
	if now < due || !g.due.CompareAndSwap(due, now+int64(ReviewEach)) {
		return
	}
	g.mu.Lock()
	told := g.judgeAll(now)
	g.mu.Unlock()
	g.inform(told)
}

// tally is what a review looks at.
type tally struct {
	endpoint      *Endpoint
	calls, failed float64
}

func (t tally) share() float64 { return t.failed / max(t.calls, 1) }

// judgeAll ejects those of whose calls far more failed than of the others', the worst first. mu is held.
func (g *Group) judgeAll(now int64) (told []Event) {
	var all tally
	var tallies []tally
	for _, e := range g.endpoints {
		counted := e.window.Swap(0)
		t := tally{e, float64(counted & math.MaxUint32), float64(counted >> 32)}
		all.calls, all.failed = all.calls+t.calls, all.failed+t.failed
		tallies = append(tallies, t)
	}
	slices.SortFunc(tallies, func(a, b tally) int { return int(1e6 * (b.share() - a.share())) })
	for _, t := range tallies {
		others := tally{calls: all.calls - t.calls, failed: all.failed - t.failed}
		if t.stands(others) {
			told = append(told, g.eject(t.endpoint, now, fmt.Sprintf("%.0f %% of its calls failed, and %.0f %% of the others'", 100*t.share(), 100*others.share()))...)
			all.calls, all.failed = others.calls, others.failed
		}
	}
	return told
}

// stands reports whether far more of the calls failed than of the others: more than there is by chance.
func (t tally) stands(others tally) bool {
	if t.calls < ReviewCalls || others.calls < ReviewCalls || t.share()-others.share() < ReviewShare {
		return false
	}
	share := (t.failed + others.failed) / (t.calls + others.calls)
	deviation := math.Sqrt(share * (1 - share) * (1/t.calls + 1/others.calls))
	return t.share()-others.share() > reviewSigma*deviation
}

func (g *Group) tell(e *Endpoint, now int64) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.text(e, now)
}

// text is the standing of an endpoint for people; empty while it serves. mu is held.
func (g *Group) text(e *Endpoint, now int64) string {
	s := &e.standing
	switch {
	case !s.out():
		return ""
	case now < s.until:
		return "ejected until " + g.tracker.Time(s.until).Format(time.TimeOnly) + ": " + s.why
	}
	return fmt.Sprintf("was ejected, gets one call at a time until %d go well: %s", Proofs, s.why)
}
