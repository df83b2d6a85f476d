package cli

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync"
	"time"
)

// hearing remembers how the other end of the last connection began to speak. HTTP and TLS only tell that it was not
// what they expect; these bytes tell what it is.
type hearing struct {
	mu        sync.Mutex
	address   string // that was dialled; guarded by mu
	beginning []byte // guarded by mu
}

// mostHeard is enough to tell protocols apart.
const mostHeard = 64

func (h *hearing) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.address, h.beginning = address, nil
	return &heardConn{Conn: conn, hearing: h, left: mostHeard}, nil
}

func (h *hearing) note(part []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.beginning = append(h.beginning, part...)
}

// speaker is what speaks at host. Where another one was dialled, which was a proxy, nothing was heard of it.
func (h *hearing) speaker(host string) speaker {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.address != host {
		return speaksNothing
	}
	return speakerOf(h.beginning)
}

// reached reports whether the last connection was to host itself.
func (h *hearing) reached(host string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.address == host
}

// probeTime bounds a probe.
const probeTime = time.Second

// probe greets a server in HTTP/2 that hung up without a word, as those do that speak nothing else: what it says then
// is heard. It does nothing where another one was dialled, which was a proxy.
func (h *hearing) probe(ctx context.Context, host string) {
	if !h.reached(host) || h.speaker(host) != speaksNothing {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	conn, err := h.dial(ctx, "tcp", host)
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

// heardConn is a connection whose first bytes are noted.
type heardConn struct {
	net.Conn
	hearing *hearing
	left    int
}

func (c *heardConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if part := min(n, c.left); part > 0 {
		c.left -= part
		c.hearing.note(p[:part])
	}
	return n, err
}

// speaker is what listens at an address, as far as its first bytes prove it.
type speaker string

const (
	speaksNothing speaker = "" // it said nothing
	speaksHTTP1   speaker = "HTTP/1"
	speaksHTTP2   speaker = "HTTP/2"
	speaksTLS     speaker = "TLS"
	speaksSSH     speaker = "SSH"
	speaksRedis   speaker = "Redis"
	speaksMail    speaker = "SMTP or FTP"
	speaksNATS    speaker = "NATS"
	speaksOther   speaker = "something else"
)

// openings are how protocols begin.
var openings = []struct {
	speaker speaker
	bytes   string
}{
	{speaksHTTP1, "HTTP/1."},
	{speaksTLS, "\x15\x03"}, // an alert
	{speaksTLS, "\x16\x03"}, // a handshake
	{speaksSSH, "SSH-"},
	{speaksRedis, "-ERR "},
	{speaksRedis, "-DENIED "},
	{speaksRedis, "-NOAUTH "},
	{speaksMail, "220 "},
	{speaksMail, "220-"},
	{speaksNATS, "INFO {"},
}

func speakerOf(beginning []byte) speaker {
	if len(beginning) == 0 {
		return speaksNothing
	}
	for _, opening := range openings {
		if bytes.HasPrefix(beginning, []byte(opening.bytes)) {
			return opening.speaker
		}
	}
	if isFrame(beginning) {
		return speaksHTTP2
	}
	return speaksOther
}

// isFrame knows the frames that an HTTP/2 server may begin with, both on stream 0: SETTINGS, or GOAWAY for a stranger.
func isFrame(b []byte) bool {
	const settings, goAway, headerLength = 4, 7, 9
	return len(b) >= headerLength && b[0] == 0 && (b[3] == settings || b[3] == goAway) && bytes.Equal(b[5:9], make([]byte, 4))
}
