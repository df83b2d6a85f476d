package ingress

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/collectiverpc/collective/dispatcher/internal/ingress/flood"
	"github.com/collectiverpc/collective/dispatcher/internal/ingress/place"
)

// The names by which net/http hands a connection to its HTTP/2: of TLS, and of a client that begins with HTTP/2.
const (
	overTLS   = "h2"
	overPlain = "unencrypted_http2"
)

// meters put the HTTP/2 connections of a server under meters.
type meters struct {
	port   *Port
	server *http.Server
	once   sync.Once
}

// handOver is what net/http calls with a connection that speaks HTTP/2.
type handOver = func(*http.Server, *tls.Conn, http.Handler)

// begin is the BaseContext of the server. net/http calls it when it has made its HTTP/2, which it does when it begins to serve,
// and before it accepts a connection.
func (m *meters) begin(net.Listener) context.Context {
	m.once.Do(func() {
		next := m.server.TLSNextProto[overPlain]
		if next == nil { // somebody has turned HTTP/2 off, or has one of his own
			return
		}
		m.server.TLSNextProto[overPlain] = m.plain(next)
		if m.server.TLSNextProto[overTLS] != nil {
			m.server.TLSNextProto[overTLS] = m.secure(next)
		}
	})
	return context.Background()
}

// plain meters the connections that are without TLS. net/http has read the preface.
func (m *meters) plain(next handOver) handOver {
	return func(server *http.Server, wrapped *tls.Conn, handler http.Handler) {
		// a tls.Conn that is none, whose connection is the one without TLS
		if inner, ok := wrapped.NetConn().(interface{ UnencryptedNetConn() net.Conn }); ok {
			conn := inner.UnencryptedNetConn()
			wrapped = tls.Client(cleartext{conn: m.port.meter(conn, false)}, nil)
		}
		next(server, wrapped, handler)
	}
}

// secure meters those within TLS: to net/http's HTTP/2 they are connections without, that have a ConnectionState.
func (m *meters) secure(next handOver) handOver {
	return func(server *http.Server, conn *tls.Conn, handler http.Handler) {
		next(server, tls.Client(cleartext{conn: flood.Secure(m.port.meter(conn, true), conn)}, nil), handler)
	}
}

// cleartext is how net/http gives a connection without TLS to what takes connections of TLS.
type cleartext struct {
	net.Conn
	conn net.Conn
}

// UnencryptedNetConn is where it is found.
func (b cleartext) UnencryptedNetConn() net.Conn { return b.conn }

// meter puts a connection under one, and tells its place what the meter finds out. preface is whether the client has yet to
// send that of HTTP/2.
func (p *Port) meter(conn net.Conn, preface bool) *flood.Conn {
	tight, began := func(bool) {}, time.Now()
	at := place.Of(conn)
	if at != nil {
		tight = at.SetTight
	}
	meter := flood.NewMeter(func() time.Duration { return time.Since(began) }, tight)
	if at != nil {
		at.OnLarge(meter.Large)
	}
	p.underway.staying.add(1)
	metered := flood.New(conn, meter, preface, p.limits.HeaderTimeout, p.spare, func() { p.underway.staying.add(-1) })
	if at != nil {
		at.OnLeave(metered.Leave)
	}
	return metered
}

// spare takes what a connection holds of requests that nobody has read, or gives it back, and reports whether there is room.
func (p *Port) spare(more int64) bool {
	if more < 0 {
		p.held.Give(-more)
		return true
	}
	return p.held.Take(more) == nil
}
