package place

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds are those of a listener.
type Bounds struct {
	// Most is how many connections there are at once, beside the reserve and the links.
	Most int
	// PerAddress is how many of them one address may have whose client is not known; 0 for as many as there are. Addresses of
	// this machine are not counted: a proxy may have all clients behind one.
	PerAddress int
	// Reserve is how many places there are beyond Most.
	Reserve int
}

// Listener gives the connections of another one their places.
type Listener struct {
	net.Listener
	bounds Bounds
	mu     sync.Mutex
	places map[*Place]struct{}

	closing atomic.Bool
	drained chan struct{} // closed when whoever accepts has taken the last connection
	drain   sync.Once
}

// Listen makes one.
func Listen(inner net.Listener, bounds Bounds) *Listener {
	return &Listener{Listener: inner, bounds: bounds, places: make(map[*Place]struct{}), drained: make(chan struct{})}
}

// A client whose connection the system has taken and nobody has accepted gets a reset when the listener closes, and cannot
// know whether its call ran.
const (
	// quiet is how long no connection must have come before the listener closes.
	quiet = 2 * time.Millisecond
	// drainFor is the most that this may take.
	drainFor = 100 * time.Millisecond
)

// Close closes the listener once the connections were accepted that have come already.
func (l *Listener) Close() error {
	if inner, ok := l.Listener.(interface{ SetDeadline(t time.Time) error }); ok && !l.closing.Swap(true) {
		_ = inner.SetDeadline(time.Now().Add(quiet))
		select {
		case <-l.drained:
		case <-time.After(drainFor): // nobody accepts
		}
	}
	return l.Listener.Close()
}

// next is the next connection. The last one before the listener closes is followed by [net.ErrClosed].
func (l *Listener) next() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if !l.closing.Load() {
		return conn, err
	}
	if err != nil {
		l.drain.Do(func() { close(l.drained) })
		return nil, net.ErrClosed
	}
	if inner, ok := l.Listener.(interface{ SetDeadline(t time.Time) error }); ok {
		_ = inner.SetDeadline(time.Now().Add(quiet))
	}
	return conn, nil
}

// Accept accepts the next connection that gets a place. Others give way to it.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.next()
		if err != nil {
			return nil, err
		}
		boundUnread(conn)
		p := New(conn)
		p.address, p.free, p.settle = addressOf(conn), func() { l.forget(p) }, func() bool { return l.settle(p) }
		away := l.admit(p)
		if away != nil {
			_ = away.Close()
		}
		if away != p {
			return p, nil
		}
	}
}

// admit gives a connection a place, and returns the one that gives way; nil if none has to.
func (l *Listener) admit(p *Place) (away *Place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all, same := l.count(p)
	l.places[p] = struct{}{}
	switch {
	case all < l.bounds.Most && (l.bounds.PerAddress == 0 || same < l.bounds.PerAddress):
		return nil
	case all < l.bounds.Most: // the address has too many
		if away = l.first(p, true); away == nil {
			away = p
		}
	default:
		if away = l.first(p, false); away != nil {
			break
		}
		if p.reserve.Store(true); all >= l.bounds.Most+l.bounds.Reserve {
			away = p
		}
	}
	return away
}

// settle has one give way to a place of the reserve, if any does by now or has gone.
func (l *Listener) settle(p *Place) bool {
	away, settled := l.room(p)
	if away != nil {
		_ = away.Close()
	}
	return settled
}

func (l *Listener) room(p *Place) (away *Place, settled bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if all, _ := l.count(p); all > l.bounds.Most {
		if away = l.first(p, false); away == nil {
			return nil, false
		}
	}
	p.reserve.Store(false)
	return away, true
}

// count counts those that take places, and those of them that are of the address of p and not known.
func (l *Listener) count(p *Place) (all, same int) {
	for other := range l.places {
		if other.links.Load() > 0 {
			continue
		}
		all++
		if p.address.IsValid() && other.address == p.address && !other.known.Load() {
			same++
		}
	}
	return all, same
}

// first finds the one that gives way to p; nil if all are busy. same is whether it must be of the same address.
func (l *Listener) first(p *Place, same bool) (away *Place) {
	now, best := clock(), busy
	var since int64
	for other := range l.places {
		if other == p || same && (other.address != p.address || other.known.Load()) {
			continue
		}
		rank, changed := other.rank(now), other.changed.Load()
		if rank < best || rank == best && rank < busy && changed < since {
			away, best, since = other, rank, changed
		}
	}
	return away
}

// forget takes the place of a connection that is closed.
func (l *Listener) forget(p *Place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.places, p)
}

// addressOf is who a connection counts for: an address, of IPv6 the network of 64 bits that one client has; not valid for
// those of this machine.
func addressOf(conn net.Conn) netip.Addr {
	tcp, ok := conn.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	address := tcp.AddrPort().Addr().Unmap().WithZone("")
	if address.IsLoopback() {
		return netip.Addr{}
	}
	if address.Is6() {
		network, _ := address.Prefix(64)
		return network.Addr()
	}
	return address
}
