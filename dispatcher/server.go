package dispatcher

import (
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/collectiverpc/collective/conn/link"
)

// HTTP/2 connections are pinged after this much silence and given up when no answer comes.
const (
	http2Silence = 15 * time.Second
	http2Answer  = 5 * time.Second
	http2Write   = 10 * time.Second
)

// Server returns an HTTP server for a handler, usually [Dispatcher.Handler], with the limits of this collector: HTTP/1.1
// and HTTP/2, without TLS too, or with TLS if tlsConfig is not nil. It is for programs that run servers of their own; others
// call [Dispatcher.ServeListener]. Its caller listens, best through [Dispatcher.Listener], calls [Dispatcher.Resume], serves,
// and shuts it down after the dispatcher: a link that is carried by an RPC is a call to it that ends with the link.
//
// When it is shut down, grpc.health.v1 of the collector turns to not serving.
//
// It has no timeout for a whole request or answer, which would end streams.
func (d *Dispatcher) Server(handler http.Handler, tlsConfig *tls.Config) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true) // links begin as an HTTP/1.1 upgrade
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(tlsConfig == nil)
	server := &http.Server{
		Handler:           d.boundHeaders(handler),
		TLSConfig:         tlsConfig,
		Protocols:         protocols,
		ReadHeaderTimeout: d.limits.HeaderTimeout,
		IdleTimeout:       d.limits.IdleTimeout,
		MaxHeaderBytes:    d.limits.headerRoom(),
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          d.limits.Streams,
			MaxReceiveBufferPerStream:     d.limits.StreamBytes,
			MaxReceiveBufferPerConnection: d.limits.ConnectionBytes,
			SendPingTimeout:               http2Silence,
			PingTimeout:                   http2Answer,
			WriteByteTimeout:              http2Write,
		},
		ErrorLog: serverLog(d.log),
	}
	server.RegisterOnShutdown(d.drain) // or a health check that watches would keep it from ending
	return server
}

// Listener bounds how many connections of a listener are open at once to [Limits.Connections]: more wait to be
// accepted. A connection that became a link counts until the link ends.
func (d *Dispatcher) Listener(inner net.Listener) net.Listener {
	return &boundedListener{Listener: inner, slots: make(chan struct{}, d.limits.Connections), closed: make(chan struct{})}
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
