package memnet

import (
	"net"
	"sync/atomic"
	"time"
)

// BufferSize is how many bytes each direction of a [Pipe] holds before writers wait.
const BufferSize = 64 << 10

// Conn is one end of a connection in memory. Its methods may be called concurrently.
type Conn struct {
	in, out *stream
	silent  *atomic.Bool // of both ends
}

var _ net.Conn = (*Conn)(nil)

// Pipe returns the two ends of a connection.
func Pipe() (a, b *Conn) {
	one, other, silent := newStream(BufferSize), newStream(BufferSize), &atomic.Bool{}
	return &Conn{in: one, out: other, silent: silent}, &Conn{in: other, out: one, silent: silent}
}

// Read waits for bytes until the deadline. After the other end has closed and everything is read it returns io.EOF.
func (c *Conn) Read(b []byte) (int, error) { return c.in.read(b) }

// Write waits for room until the deadline. Once either end has closed it returns io.ErrClosedPipe.
func (c *Conn) Write(b []byte) (int, error) {
	if c.silent.Load() {
		return len(b), nil
	}
	return c.out.write(b)
}

// Close ends both directions: pending calls of this end return io.ErrClosedPipe, the other end reads what is buffered
// and then io.EOF.
func (c *Conn) Close() error {
	c.in.closeReader()
	if c.silent.Load() {
		return nil
	}
	c.out.closeWriter()
	return nil
}

// Silence cuts the wire without telling anybody: what either end writes from now on is taken and lost, and neither
// hears of the other's Close.
func (c *Conn) Silence() { c.silent.Store(true) }

// Throttle makes each direction pass so many bytes a second, as a slow wire does: a Write takes the time that its bytes
// take. Call it before the connection is used.
func (c *Conn) Throttle(bytesPerSecond int) {
	c.in.rate, c.out.rate = bytesPerSecond, bytesPerSecond
}

// Delay makes what either end writes arrive that much later. A Write does not wait for it. Call it before the connection
// is used.
func (c *Conn) Delay(way time.Duration) { c.in.way, c.out.way = way, way }

// SetDeadline bounds pending and future reads and writes; the zero time means no bound.
func (c *Conn) SetDeadline(t time.Time) error {
	_ = c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

// SetReadDeadline is [Conn.SetDeadline] for reads.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.in.reader.set(c.in, t)
	return nil
}

// SetWriteDeadline is [Conn.SetDeadline] for writes.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.out.writer.set(c.out, t)
	return nil
}

// LocalAddr returns a fixed address.
func (c *Conn) LocalAddr() net.Addr { return address{} }

// RemoteAddr returns a fixed address.
func (c *Conn) RemoteAddr() net.Addr { return address{} }

type address struct{}

func (address) Network() string { return "memory" }
func (address) String() string  { return "memory" }
