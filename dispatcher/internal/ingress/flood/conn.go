package flood

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"net"
	"sync"
	"time"
)

// Conn is a connection of an HTTP/2 client under a meter. As any, it may be read and written at the same time, each by one
// goroutine.
type Conn struct {
	net.Conn
	meter   *Meter
	preface int           // bytes of it to come
	begin   time.Duration // how long a frame may take that has begun, beside a second for each leastRate bytes
	buffer  []byte
	unread  []byte
	limited bool // a read deadline is set

	away   func() // is told once that the client was sent away, or has gone
	spare  func(more int64) bool
	mu     sync.Mutex
	units  int64 // of what is held, that were told
	closed bool
}

// buffered is how much is read at once. net/http reads each frame in two parts, which are two system calls without it.
const buffered = 4 << 10

// leastRate is how many bytes a second a client must send of a frame that has begun.
const leastRate = 1 << 10

// freeBytes is what a connection may have unread when there is no room: its calls are refused one by one, which is enough if
// their handlers read.
const freeBytes = 1 << 20

// heldUnit is how finely unread bytes of requests are told.
const heldUnit = 64 << 10

// New puts a connection under a meter. preface is whether it begins with that of HTTP/2, which is not passed on. frame is how
// long a frame may take that has begun. spare is told when what the connection holds of requests has changed by much: how
// much more, and says whether there is room. away is told once, when the client gets a GOAWAY or the connection closes.
func New(conn net.Conn, meter *Meter, preface bool, frame time.Duration, spare func(more int64) bool, away func()) *Conn {
	c := &Conn{Conn: conn, meter: meter, begin: frame, spare: spare, away: sync.OnceFunc(away), buffer: make([]byte, buffered)}
	if preface {
		c.preface = len(Preface)
	}
	return c
}

// secureConn is one above TLS: see [Secure].
type secureConn struct {
	*Conn
	state func() tls.ConnectionState
}

// ConnectionState is where net/http finds it.
func (c secureConn) ConnectionState() tls.ConnectionState { return c.state() }

// Secure gives a connection above TLS the state of that, where net/http looks for it.
func Secure(c *Conn, conn *tls.Conn) net.Conn { return secureConn{c, conn.ConnectionState} }

var (
	errFlood   = errors.New("the client sends frames that bring no call forward, and was told to calm down")
	errPreface = errors.New("the client does not begin with the preface of HTTP/2")
	errHeld    = errors.New("the client has sent more of its requests than there is memory for")
)

// Read reads what the client has sent.
func (c *Conn) Read(p []byte) (int, error) {
	if len(c.unread) == 0 {
		if err := c.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.unread)
	c.unread = c.unread[n:]
	return n, nil
}

// fill reads some more, and has the meter look at it.
func (c *Conn) fill() error {
	if c.preface > 0 {
		if err := c.begins(); err != nil {
			return err
		}
	}
	c.bound()
	n, err := c.Conn.Read(c.buffer)
	if n == 0 {
		return err
	}
	c.unread = c.buffer[:n]
	if !c.meter.In(c.unread) {
		c.unread = nil
		c.calm()
		return errFlood
	}
	if !c.account() {
		c.unread = nil
		c.calm()
		return errHeld
	}
	return nil
}

// bound has a frame that has begun come to its end.
func (c *Conn) bound() {
	switch within := c.meter.Within(); {
	case within && !c.limited:
		c.limited = true
		_ = c.Conn.SetReadDeadline(time.Now().Add(c.begin + time.Duration(c.meter.in.left)*time.Second/leastRate))
	case !within && c.limited:
		c.limited = false
		_ = c.Conn.SetReadDeadline(time.Time{})
	}
}

// begins reads the preface.
func (c *Conn) begins() error {
	_ = c.Conn.SetReadDeadline(time.Now().Add(c.begin))
	for c.preface > 0 {
		n, err := c.Conn.Read(c.buffer[:c.preface])
		at := len(Preface) - c.preface
		if string(c.buffer[:n]) != Preface[at:at+n] {
			return errPreface
		}
		if c.preface -= n; err != nil {
			return err
		}
	}
	return c.Conn.SetReadDeadline(time.Time{})
}

// account tells of what the connection holds, when that has changed by much.
func (c *Conn) account() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	units := c.meter.Held() / heldUnit
	if units == c.units || c.closed {
		return true
	}
	if !c.spare((units - c.units) * heldUnit) {
		return units*heldUnit <= freeBytes
	}
	c.units = units
	return true
}

// Write writes what the server sends.
func (c *Conn) Write(p []byte) (int, error) {
	c.meter.Out(p)
	n, err := c.Conn.Write(p)
	if c.meter.Away() {
		c.away()
	}
	return n, err
}

// Close closes the connection. It holds nothing any more.
func (c *Conn) Close() error {
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		c.spare(-c.units * heldUnit)
	}
	c.mu.Unlock()
	c.away()
	return c.Conn.Close()
}

// calm tells the client why it is closed, if that is possible at once.
func (c *Conn) calm() {
	const enhanceYourCalm = 0xb
	c.goAway(enhanceYourCalm)
	_ = c.Close()
}

// Leave asks the client to open no more requests here. It is for a connection that is idle: its server must not be within a frame.
func (c *Conn) Leave() {
	c.goAway(0)
	_ = c.Conn.SetWriteDeadline(time.Time{})
}

// goAway writes a GOAWAY, if that is possible at once.
func (c *Conn) goAway(code uint32) {
	frame := make([]byte, headerBytes+8)
	frame[2], frame[3] = 8, kindGoAway
	binary.BigEndian.PutUint32(frame[headerBytes:], 1<<31-1)
	binary.BigEndian.PutUint32(frame[headerBytes+4:], code)
	_ = c.Conn.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
	_, _ = c.Conn.Write(frame)
}
