package balance

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/collectiverpc/collective/dispatcher/internal/endpoint"
)

// departure is a call that ends.
type departure struct {
	at, began int64
	member    *Member
	outcome   endpoint.Outcome
	probe     bool
}

type departures []departure

func (d departures) Len() int           { return len(d) }
func (d departures) Less(i, j int) bool { return d[i].at < d[j].at }
func (d departures) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }
func (d *departures) Push(x any)        { *d = append(*d, x.(departure)) }
func (d *departures) Pop() any {
	last := (*d)[len(*d)-1]
	*d = (*d)[:len(*d)-1]
	return last
}

// simulation is a service in a time of its own.
type simulation struct {
	random  *rand.Rand
	pool    *Pool
	tracker *endpoint.Tracker
	running departures
	fails   func(m *Member) float64 // how likely a call fails there
	takes   func(m *Member) time.Duration

	calls, failed int
	out           map[string]int64 // since when healthy members are ejected
	longest       time.Duration    // that one of them was
}

// call makes one call at a time.
func (s *simulation) call(now int64) {
	for len(s.running) > 0 && s.running[0].at <= now {
		s.end(heap.Pop(&s.running).(departure))
	}
	var c Choice
	s.pool.Choose(&c, 0, s.random.Uint64(), now)
	m, _ := c.Member(0)
	probe := c.Probe() && m.Endpoint.Probe(now)
	if c.Probe() && !probe {
		m, _ = c.Member(1)
	}
	m.Load.Add(1)
	m.Endpoint.Begin(now)
	outcome := endpoint.Answered
	if s.random.Float64() < s.fails(m) {
		outcome = endpoint.Failed
		s.failed++
	}
	s.calls++
	heap.Push(&s.running, departure{now + int64(s.takes(m)), now, m, outcome, probe})
}

func (s *simulation) end(d departure) {
	d.member.Load.Add(-1)
	outcome := d.member.Endpoint.End(d.at, d.began, d.outcome, "unavailable")
	if d.probe {
		d.member.Endpoint.Proved(d.at, outcome, "unavailable")
	}
}

// An hour of a service of 100 peers, of which five are bad: two fail at once, one fails half of the time, one every tenth time
// and one is slow. Of the calls of the others one in two thousand fails.
func TestAnHourOfAHundredPeers(t *testing.T) {
	t.Parallel()
	bad := map[string]float64{"p3": 1, "p17": 1, "p42": 0.5, "p66": 0.1}
	s := &simulation{random: rand.New(rand.NewPCG(1, 1)), out: make(map[string]int64)}
	s.tracker = endpoint.NewTracker(nil)
	s.pool = newService(s.tracker, 100)
	s.fails = func(m *Member) float64 {
		if share := bad[m.ID]; share > 0 {
			return share
		}
		return 0.0005
	}
	s.takes = func(m *Member) time.Duration {
		switch {
		case m.ID == "p99":
			return 2 * time.Second
		case bad[m.ID] > 0:
			return 100 * time.Microsecond
		}
		return time.Duration(2e6 * (0.5 + s.random.ExpFloat64()))
	}
	const gap = int64(2 * time.Millisecond)
	slow := 0
	for now := int64(time.Second); now < int64(time.Hour); now += gap {
		s.call(now)
		if now%int64(time.Second) == 0 {
			s.look(now, func(m *Member) bool { return bad[m.ID] > 0 })
		}
	}
	for _, d := range s.running {
		if d.member.ID == "p99" {
			slow++
		}
	}
	share := 100 * float64(s.failed) / float64(s.calls)
	t.Logf("%d calls, %.3f %% failed, a healthy peer was ejected for at most %v", s.calls, share, s.longest)
	if share > 0.2 || s.longest > 30*time.Second || slow > 20 {
		t.Errorf("%.3f %% failed, a healthy peer was ejected for %v, %d calls wait on the slow one", share, s.longest, slow)
	}
}

// look notes how long healthy members have been ejected, and that never more than half of all are.
func (s *simulation) look(now int64, bad func(m *Member) bool) {
	for i := range s.pool.members {
		m := &s.pool.members[i]
		if bad(m) || m.Endpoint.Until() == 0 {
			delete(s.out, m.ID)
			continue
		}
		if s.out[m.ID] == 0 {
			s.out[m.ID] = now
		}
		s.longest = max(s.longest, time.Duration(now-s.out[m.ID]))
	}
}

// newService is a pool of so many peers.
func newService(tracker *endpoint.Tracker, n int) *Pool {
	g := tracker.NewGroup("ns", "x.S")
	list := make([]Member, n)
	for i := range list {
		id := fmt.Sprint("p", i)
		list[i] = Member{ID: id, Hash: Hash(id), Weight: 1, Load: new(endpoint.Load), Endpoint: g.Endpoint(id)}
	}
	g.Keep(func(string) bool { return true }, nil)
	return NewPool(list, "", tracker)
}

// fail has a member fail so many times in a row.
func fail(m *Member, now int64, times int) {
	for range times {
		m.Endpoint.Note(now, endpoint.Failed, "unavailable")
	}
}

func order(p *Pool, turn uint64, now int64) string {
	var c Choice
	p.Choose(&c, 0, turn, now)
	text := ""
	if c.Probe() {
		text = "probe "
	}
	for i := range p.members {
		m, _ := c.Member(i)
		text += m.ID + " "
	}
	return text
}

func TestEjectedMembersComeLast(t *testing.T) {
	t.Parallel()
	var told []endpoint.Event
	tracker := endpoint.NewTracker(func(e endpoint.Event) { told = append(told, e) })
	p := newService(tracker, 4)
	now := tracker.Now()
	second := int64(time.Second)
	expect := func(when string, now int64, want string) {
		t.Helper()
		if got := order(p, 0, now); got != want {
			t.Errorf("%s: %s, want %s", when, got, want)
		}
	}
	fail(&p.members[0], now, endpoint.Row-1)
	p.members[0].Endpoint.Note(now, endpoint.Answered, "")
	fail(&p.members[0], now, endpoint.Row-1)
	if len(told) != 0 {
		t.Fatalf("an answer does not end a row: %v", told)
	}
	fail(&p.members[0], now, 1)
	if len(told) != 1 || told[0].Peer != "p0" || told[0].Service != "x.S" {
		t.Fatalf("told: %+v", told)
	}
	expect("one is ejected", now, "p1 p2 p3 p0 ")
	fail(&p.members[1], now+second, endpoint.Row)
	fail(&p.members[2], now, 7*endpoint.Row)
	if len(told) != 2 {
		t.Errorf("more than half are ejected: %+v", told)
	}
	p.members[1].Load.Suspect.Store(true) // and the others are suspect: they serve before the ejected
	p.members[2].Load.Suspect.Store(true)
	p.members[3].Load.Suspect.Store(true)
	tracker.Changed()
	expect("all others are suspect", now, "p2 p3 p0 p1 ")
	p.members[2].Load.Suspect.Store(false)
	tracker.Changed()
	expect("one is not", now, "p2 p3 p0 p1 ")
	p.members[3].Load.Suspect.Store(false)
	tracker.Changed()

	expect("the first ejection is over", now+10*second, "probe p0 p2 p3 p1 ")
	if !p.members[0].Endpoint.Probe(now+10*second) || p.members[0].Endpoint.Probe(now+10*second) {
		t.Error("not exactly one of two calls is a probe")
	}
	expect("while a probe is under way", now+10*second, "p2 p3 p0 p1 ")
	p.members[0].Endpoint.Proved(now+10*second, endpoint.Failed, "internal")
	expect("after it failed", now+10*second, "p2 p3 p0 p1 ")
	expect("twice as long", now+30*second, "probe p0 p2 p3 p1 ")
	for range endpoint.Proofs {
		p.members[0].Endpoint.Probe(now + 30*second)
		p.members[0].Endpoint.Proved(now+30*second, endpoint.Answered, "")
	}
	if got := told[len(told)-1]; got.Peer != "p0" || got.Standing != "" {
		t.Errorf("told: %+v", got)
	}
	if p.members[0].Endpoint.Until() != 0 {
		t.Error("it is not back")
	}
}

// Half of the peers of a method serve, whatever became of the other peers of the service.
func TestHalfOfThoseThatServeAMethodServe(t *testing.T) {
	t.Parallel()
	tracker := endpoint.NewTracker(nil)
	all := newService(tracker, 4)
	now := tracker.Now()
	fail(&all.members[0], now, endpoint.Row)
	fail(&all.members[1], now+1, endpoint.Row)
	two := NewPool(all.members[:2], "", tracker)
	if got := order(two, 0, now+2); got != "p0 p1 " {
		t.Errorf("of two that are ejected: %s, want the one that was ejected first", got)
	}
}

func TestZoneWithTooFewMembersIsLeft(t *testing.T) {
	t.Parallel()
	tracker := endpoint.NewTracker(nil)
	p := newService(tracker, 6)
	p.zone = "here"
	for i := range 3 {
		p.members[i].Zone = "here"
	}
	near := func() int { return p.ranking(tracker.Now()).near }
	if n := near(); n != 3 {
		t.Fatalf("%d are near", n)
	}
	fail(&p.members[0], tracker.Now(), endpoint.Row)
	if n := near(); n != 2 {
		t.Errorf("%d are near when one of three is ejected", n)
	}
	fail(&p.members[1], tracker.Now(), endpoint.Row)
	if n := near(); n != 4 {
		t.Errorf("%d are near when two of three are ejected", n)
	}
}

// The share of failures ejects who fails far more often than the others, and nobody else.
func TestReview(t *testing.T) {
	t.Parallel()
	second := int64(time.Second)
	for _, tt := range []struct {
		name   string
		failed [3]int // of a hundred calls
		want   string
	}{
		{"all well", [3]int{}, "ok ok ok "},
		{"all alike", [3]int{40, 45, 38}, "ok ok ok "},
		{"one fails a third", [3]int{33, 1, 0}, "out ok ok "},
		{"one fails a little more", [3]int{9, 1, 0}, "ok ok ok "},
		{"two fail a third, but half may not be out", [3]int{33, 50, 0}, "ok out ok "},
	} {
		tracker := endpoint.NewTracker(nil)
		p := newService(tracker, 3)
		now := tracker.Now()
		for i, failed := range tt.failed {
			for n := range 100 {
				outcome := endpoint.Answered
				if n%3 == 0 && failed > 0 || n%3 == 1 && failed > 34 {
					failed--
					outcome = endpoint.Failed
				}
				p.members[i].Endpoint.Note(now, outcome, "internal")
			}
		}
		p.members[0].Endpoint.Note(now+11*second, endpoint.Answered, "")
		got := ""
		for _, m := range p.members {
			if m.Endpoint.Until() != 0 {
				got += "out "
			} else {
				got += "ok "
			}
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// A deadline counts as a failure where others answer in half the time, and else it does not.
func TestDeadlines(t *testing.T) {
	t.Parallel()
	tracker := endpoint.NewTracker(nil)
	p := newService(tracker, 2)
	now := tracker.Now()
	late := func(took time.Duration) {
		for range endpoint.Row {
			p.members[0].Endpoint.Begin(now)
			p.members[0].Endpoint.End(now+int64(took), now, endpoint.Late, "deadline_exceeded")
		}
	}
	late(time.Second)
	if p.members[0].Endpoint.Until() != 0 {
		t.Error("it is ejected although nobody answers")
	}
	p.members[1].Endpoint.Begin(now)
	p.members[1].Endpoint.End(now+int64(20*time.Millisecond), now, endpoint.Answered, "")
	late(30 * time.Millisecond)
	if p.members[0].Endpoint.Until() != 0 {
		t.Error("it is ejected although others need nearly as long")
	}
	late(time.Second)
	if p.members[0].Endpoint.Until() == 0 {
		t.Error("it is not ejected although others answer")
	}
}
