package remote

import (
	"context"
	"io"
	"net"
	"sync"
	"time"
)

// firstBytes remembers how the other end of the last connection began to speak. HTTP and TLS only tell that it was not
// what they expect; these bytes tell what it is.
type firstBytes struct {
	mu        sync.Mutex
	address   string // that was dialled; guarded by mu
	beginning []byte // guarded by mu
}

// mostHeard is enough to tell protocols apart.
const mostHeard = 64

func (b *firstBytes) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	return b.record(conn, err, address)
}

// record notes what is heard over a connection that was dialled for an address.
func (b *firstBytes) record(conn net.Conn, err error, address string) (net.Conn, error) {
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.address, b.beginning = address, nil
	return &recordedConn{Conn: conn, first: b, left: mostHeard}, nil
}

func (b *firstBytes) note(part []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.beginning = append(b.beginning, part...)
}

// speaker is what speaks at host. Where another one was dialled, which was a proxy, nothing was heard of it.
func (b *firstBytes) speaker(host string) speaker {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.address != host {
		return speaksNothing
	}
	return speakerOf(b.beginning)
}

// reached reports whether the last connection was to host itself.
func (b *firstBytes) reached(host string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.address == host
}

// probeTime bounds a probe.
const probeTime = time.Second

// probe greets a server in HTTP/2 that hung up without a word, as those do that speak nothing else: what it says then
// is heard. It does nothing where another one was dialled, which was a proxy.
func (b *firstBytes) probe(ctx context.Context, host string) {
	if !b.reached(host) || b.speaker(host) != speaksNothing {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	conn, err := b.dial(ctx, "tcp", host)
	if err != nil {
		return
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(probeTime))
	const preface, emptySettings = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	if _, err := io.WriteString(conn, preface+emptySettings); err == nil {
		_, _ = io.ReadAtLeast(conn, make([]byte, mostHeard), len(emptySettings)) // what came is noted
	}
}

// recordedConn is a connection whose first bytes are noted.
type recordedConn struct {
	net.Conn
	first *firstBytes
	left  int
}

func (c *recordedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if part := min(n, c.left); part > 0 {
		c.left -= part
		c.first.note(p[:part])
	}
	return n, err
}
