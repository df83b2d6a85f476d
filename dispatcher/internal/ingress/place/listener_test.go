package place

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// caller is a connection from an address.
type caller struct {
	net.Conn
	from net.Addr
}

func (c *caller) RemoteAddr() net.Addr { return c.from }

func (c *caller) Close() error { return nil }

// arrive gives a connection its place, and returns it and the one that gave way.
func (l *Listener) arrive(address string) (p, away *Place) {
	p = New(&caller{from: net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(address), 1))})
	p.address, p.free = addressOf(p.Conn), func() { l.forget(p) }
	if away = l.admit(p); away != nil {
		_ = away.Close()
	}
	return p, away
}

func newListener(bounds Bounds) *Listener { return Listen(nil, bounds) }

// Who is silent gives way first, the oldest first, then who waits, then who is idle; who is busy stays.
func TestListener_Order(t *testing.T) {
	t.Parallel()
	l := newListener(Bounds{Most: 5})
	busy, _ := l.arrive("127.0.0.1")
	busy.Begin()
	idle, _ := l.arrive("127.0.0.1")
	idle.Begin()
	idle.End(false, false)
	waiting, _ := l.arrive("127.0.0.1")
	waiting.Begin()
	waiting.Wait()
	waiting.changed.Add(-2 * waitsAfter)
	first, _ := l.arrive("127.0.0.1")
	second, _ := l.arrive("127.0.0.1")
	for i, want := range []*Place{first, second, waiting, idle, nil} {
		p, away := l.arrive("127.0.0.1")
		if p.Begin(); away != want && !(want == nil && away == p) {
			t.Errorf("the %d. to come has taken the wrong place: %p, want %p", i, away, want)
		}
	}
}

// An address that has as many as it may takes none of another; one of this machine may have all.
func TestListener_PerAddress(t *testing.T) {
	t.Parallel()
	l := newListener(Bounds{Most: 100, PerAddress: 4})
	others, _ := l.arrive("192.0.2.9")
	for i := range 50 {
		p, away := l.arrive(fmt.Sprintf("2001:db8::%x", i+1)) // one network
		if away == others || (away != nil) != (i >= 4) {
			t.Fatalf("connection %d of an address takes the place of %p", i, away)
		}
		if p.Begin(); i >= 4 && away != p {
			t.Fatalf("connection %d of an address that is busy is accepted", i)
		}
	}
	for i := range 50 {
		if _, away := l.arrive("127.0.0.1"); away != nil {
			t.Fatalf("connection %d from this machine takes a place", i)
		}
	}
	known, _ := l.arrive("192.0.2.1")
	for i := range 8 {
		known.Vouch()
		if p, away := l.arrive("192.0.2.1"); away != nil {
			t.Fatalf("connection %d takes the place of one that is known", i)
		} else {
			known = p
		}
	}
}

// Who fills all places at once and stops shuts nobody out: a place of the reserve gets that of the one that has stopped first, as
// soon as it counts as waiting; while all are really busy it gets none.
func TestPlace_Settle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newListener(Bounds{Most: 2, Reserve: 2})
		var busy [2]*Place
		for i := range busy {
			busy[i], _ = l.arrive("127.0.0.1")
			busy[i].Begin()
			time.Sleep(time.Millisecond)
		}
		spare, _ := l.arrive("127.0.0.1")
		spare.settle = func() bool { return l.settle(spare) }
		began := time.Now()
		if spare.Settle(t.Context()) || time.Since(began) != SettleWithin {
			t.Errorf("all are busy: it has a place, or knows after %v", time.Since(began))
		}
		busy[0].Wait()
		busy[1].Wait()
		began = time.Now()
		if !spare.Settle(t.Context()) || spare.Spare() {
			t.Error("two have stopped, and none gives way")
		}
		if took := time.Since(began); took > time.Duration(waitsAfter) {
			t.Errorf("it has waited for %v", took)
		}
		if _, there := l.places[busy[0]]; there {
			t.Error("the one that has stopped first is still there")
		}
		late, _ := l.arrive("127.0.0.1")
		late.settle = func() bool { return l.settle(late) }
		if late.reserve.Store(true); !late.Settle(t.Context()) {
			t.Error("the next one gets none")
		}
	})
}

// Links take no place; when all are busy some more come, which are spare until somebody is known, and the rest is closed.
func TestListener_Reserve(t *testing.T) {
	t.Parallel()
	l := newListener(Bounds{Most: 2, Reserve: 1})
	for range 10 {
		p, away := l.arrive("192.0.2.1")
		if p.Begin(); away != nil {
			t.Fatal("a link takes a place")
		}
		p.Hijacked()
	}
	for range 2 {
		p, _ := l.arrive("192.0.2.1")
		p.Begin()
	}
	spare, away := l.arrive("192.0.2.1")
	if spare.Begin(); away != nil || !spare.Spare() {
		t.Errorf("the first of the reserve: spare %v, %p gives way", spare.Spare(), away)
	}
	if p, away := l.arrive("192.0.2.1"); away != p {
		t.Error("there are more than the reserve")
	}
	if spare.Vouch(); spare.Spare() {
		t.Error("one that is known is spare")
	}
}
