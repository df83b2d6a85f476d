package place

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Place is a connection of a client. It is safe for concurrent use.
type Place struct {
	net.Conn
	address netip.Addr // of whom it counts for; not valid for nobody
	free    func()     // gives it away; nil for one that no listener of this package has accepted
	freed   sync.Once
	settle  func() bool // looks for one that gives way to a place of the reserve; nil where there is no reserve

	served, known, reserve atomic.Bool
	links                  atomic.Int32
	serving, waiting       atomic.Int32 // requests, and those of them that wait for the client
	changed                atomic.Int64 // when it was accepted, or an exchange on it has begun, gone on or ended
	tight                  atomic.Bool
	large                  func(header, fields int) // is told of large headers; nil for nobody
	leave                  func()                   // asks the client to go; nil where it cannot be asked
	stuck                  atomic.Int32             // exchanges that were
	unfinished             atomic.Int64             // when a request ended last that had not come to its end
	watched                atomic.Bool              // somebody will look at that
	busy                   atomic.Bool              // says its server: a request is not answered to its last byte
}

// began is where the clock of this package begins.
var began = time.Now()

func clock() int64 { return int64(time.Since(began)) }

// New makes the place of a connection that no listener of this package has accepted. It takes nobody else's.
func New(conn net.Conn) *Place {
	p := &Place{Conn: conn}
	p.changed.Store(clock())
	return p
}

// Of finds the place that a connection has, within TLS or without; nil if it has none.
func Of(conn net.Conn) *Place {
	for {
		if p, ok := conn.(*Place); ok {
			return p
		}
		secure, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			return nil
		}
		conn = secure.NetConn()
	}
}

// SetBusy notes whether a request was not answered to its last byte, and reports whether that is news.
func (p *Place) SetBusy(busy bool) (changed bool) { return p.busy.Swap(busy) != busy }

// Rests reports whether the client has asked nothing for so long, and has sent nothing that was not read.
func (p *Place) Rests(long time.Duration) bool {
	return !p.busy.Load() && p.serving.Load() == 0 && clock()-p.changed.Load() >= int64(long) && !unread(p.Conn)
}

// Carries reports whether the connection carries a link.
func (p *Place) Carries() bool { return p.links.Load() > 0 }

// Unwrap lets links write to the socket itself.
func (p *Place) Unwrap() net.Conn { return p.Conn }

// Close closes the connection and gives its place away.
func (p *Place) Close() error {
	if p.free != nil {
		p.freed.Do(p.free)
	}
	return p.Conn.Close()
}

// Begin tells that a request is being served.
func (p *Place) Begin() {
	if !p.served.Load() {
		p.served.Store(true)
	}
	p.serving.Add(1)
	p.changed.Store(clock())
}

// End tells that it has been. Connections on which too many requests got stuck, or the last one did, are closed: their
// clients do not read what they are told by the protocol.
// One whose last request has not come to its end is sent away if nothing more happens: its client has stopped, whatever was
// answered.
func (p *Place) End(stuck, unfinished bool) {
	left, now := p.serving.Add(-1), clock()
	p.changed.Store(now)
	if unfinished && !stuck && left == 0 && p.leave != nil {
		p.unfinished.Store(now)
		p.watchUnfinished(unfinishedAfter)
	}
	if stuck && (p.stuck.Add(1) >= MostStuck || left == 0) {
		time.AfterFunc(closeAfter, func() {
			if p.stuck.Load() >= MostStuck || p.serving.Load() == 0 {
				_ = p.Close()
			}
		})
	}
}

// watchUnfinished looks after a while at the request that has not come to its end last. There is one timer at most, however many
// requests there are.
func (p *Place) watchUnfinished(after time.Duration) {
	if p.watched.Swap(true) {
		return
	}
	time.AfterFunc(after, func() {
		p.watched.Store(false)
		since := p.unfinished.Load()
		if p.serving.Load() > 0 || p.changed.Load() != since {
			return // something has happened since
		}
		if left := unfinishedAfter - time.Duration(clock()-since); left > 0 {
			p.watchUnfinished(left)
			return
		}
		p.sendAway()
	})
}

// sendAway asks the client to go, and closes the connection.
func (p *Place) sendAway() {
	p.leave()
	time.AfterFunc(leaveAfter, func() {
		if p.serving.Load() == 0 {
			_ = p.Close()
		}
	})
}

// OnLeave has leave tell the client to open no more requests. It must be called before there are requests.
func (p *Place) OnLeave(leave func()) { p.leave = leave }

const (
	unfinishedAfter = 10 * time.Second // for the rest of a request that has been answered, and for the next one
	leaveAfter      = time.Second      // for a client to go that was asked to

	MostStuck  = 32                     // requests of a connection that got stuck
	closeAfter = 200 * time.Millisecond // for the answers to be written
)

// Wait tells that a request begins to wait for its client, and Went that it has gone on.
func (p *Place) Wait() { p.waiting.Add(1) }

// Went tells that it has.
func (p *Place) Went() {
	p.waiting.Add(-1)
	p.changed.Store(clock())
}

// Tight reports whether the client takes little at once.
func (p *Place) Tight() bool { return p.tight.Load() }

// SetTight says so.
func (p *Place) SetTight(tight bool) {
	if p.tight.Load() != tight {
		p.tight.Store(tight)
	}
}

// OnLarge has large be told by Large. It must be called before there are requests.
func (p *Place) OnLarge(large func(header, fields int)) { p.large = large }

// Large tells that the header of a request has so many bytes in so many fields.
func (p *Place) Large(header, fields int) {
	if p.large != nil {
		p.large(header, fields)
	}
}

// Vouch says that it is known who the client is.
func (p *Place) Vouch() {
	if !p.known.Load() {
		p.known.Store(true)
	}
}

// Carry tells that the connection carries a link from now on, until the function that it returns is called.
func (p *Place) Carry() (end func()) {
	p.links.Add(1)
	return func() { p.links.Add(-1) }
}

// Hijacked tells that it carries one until it is closed.
func (p *Place) Hijacked() { p.Carry() }

// Spare reports whether the place is one of the reserve.
func (p *Place) Spare() bool { return p.reserve.Load() && !p.known.Load() && p.links.Load() == 0 }

// Settle gives a place of the reserve the place of one that gives way, and reports whether it has. If all are busy it waits for
// as long as it takes until those who have just stopped count as waiting: who fills all places at once shuts nobody out.
func (p *Place) Settle(ctx context.Context) bool {
	if p.settle == nil {
		return false
	}
	tick, end := time.NewTicker(settleEvery), time.NewTimer(SettleWithin)
	defer tick.Stop()
	defer end.Stop()
	for !p.settle() {
		select {
		case <-ctx.Done():
			return false
		case <-end.C:
			return p.settle()
		case <-tick.C:
		}
	}
	return true
}

const (
	settleEvery  = 20 * time.Millisecond
	SettleWithin = time.Duration(2 * waitsAfter) // how long a request waits for a place
)

// A rank says who gives way first.
type rank int

const (
	silent rank = iota
	waits
	idle
	busy
	link
)

// waitsAfter is how long one must have waited for its client to be one that waits.
const waitsAfter = int64(200 * time.Millisecond)

// rank is the one of now.
func (p *Place) rank(now int64) rank {
	serving := p.serving.Load()
	switch {
	case p.links.Load() > 0:
		return link
	case !p.served.Load():
		return silent
	case serving == 0:
		return idle
	case p.waiting.Load() >= serving && now-p.changed.Load() > waitsAfter:
		return waits
	default:
		return busy
	}
}
