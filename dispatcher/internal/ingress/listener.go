package ingress

import (
	"net"
	"sync"

	"github.com/collectiverpc/collective/conn/link"
)

// Listener bounds how many connections of a listener are open at once: more wait to be accepted. A connection that became
// a link counts until the link ends.
func (p *Port) Listener(inner net.Listener) net.Listener {
	return &boundedListener{Listener: inner, slots: make(chan struct{}, p.limits.Connections), closed: make(chan struct{})}
}

type boundedListener struct {
	net.Listener
	slots     chan struct{}
	closed    chan struct{}
	closeOnce sync.Once
}

func (l *boundedListener) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	accepted, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &boundedConn{Conn: accepted, release: sync.OnceFunc(func() { <-l.slots })}, nil
}

func (l *boundedListener) Close() error {
	l.closeOnce.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

type boundedConn struct {
	net.Conn
	release func()
}

var _ link.Wrapper = (*boundedConn)(nil)

// Unwrap lets links write to the socket itself.
func (c *boundedConn) Unwrap() net.Conn { return c.Conn }

func (c *boundedConn) Close() error {
	defer c.release()
	return c.Conn.Close()
}
