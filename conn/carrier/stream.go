package carrier

import (
	"errors"
	"io"
	"sync"
)

// stream is a byte stream made of the messages of an RPC. It has one reader, one writer and anybody to close it.
//
// The RPC's own goroutines do the receiving and sending, because nothing else can be sure to get out of it: Read, Write
// and Close only wait for them, and for the close.
type stream struct {
	arrived chan []byte
	rest    []byte        // of what arrived; the reader's
	ended   chan struct{} // closed when nothing more arrives
	err     error         // why; readable after ended

	outgoing chan []byte
	sent     chan error

	closed    chan struct{}
	closeOnce sync.Once
}

// Carried reports whether a stream is one of the Carry RPC, of either end.
func Carried(s io.ReadWriteCloser) bool {
	_, carried := s.(*stream)
	return carried
}

// newStream makes a stream whose receive and send somebody has to run.
func newStream() *stream {
	return &stream{
		arrived:  make(chan []byte),
		ended:    make(chan struct{}),
		outgoing: make(chan []byte),
		sent:     make(chan error, 1),
		closed:   make(chan struct{}),
	}
}

// receive hands what next returns to Read until next fails or the stream is closed.
func (c *stream) receive(next func() ([]byte, error)) {
	defer close(c.ended)
	for {
		data, err := next()
		if errors.Is(err, io.EOF) {
			err = io.EOF // and nothing that wraps it, as streams of bytes do
		}
		if err != nil {
			c.err = err
			return
		}
		select {
		case c.arrived <- data:
		case <-c.closed:
			c.err = io.ErrClosedPipe
			return
		}
	}
}

// send passes what is written to put until the stream is closed.
func (c *stream) send(put func(data []byte) error) {
	for {
		select {
		case data := <-c.outgoing:
			c.sent <- put(data)
		case <-c.closed:
			return
		}
	}
}

// Read returns what one message brought, or the rest of it. What arrived before the end is read before the error.
func (c *stream) Read(b []byte) (int, error) {
	for len(c.rest) == 0 {
		select {
		case c.rest = <-c.arrived:
		case <-c.ended:
			return 0, c.err
		case <-c.closed:
			return 0, io.ErrClosedPipe
		}
	}
	n := copy(b, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// Write returns when everything was sent, or when the stream was closed meanwhile; what it was given is not used after
// that.
func (c *stream) Write(b []byte) (written int, err error) {
	for written < len(b) && err == nil {
		chunk := append([]byte(nil), b[written:min(len(b), written+chunkSize)]...)
		if err = c.put(chunk); err == nil {
			written += len(chunk)
		}
	}
	return written, err
}

// chunkSize is how many bytes of the stream one message has at most.
const chunkSize = 64 << 10

// put waits until a message was sent: so a slow peer slows the writer, and nothing is queued here.
func (c *stream) put(chunk []byte) error {
	select {
	case c.outgoing <- chunk:
	case <-c.closed:
		return io.ErrClosedPipe
	}
	select {
	case err := <-c.sent:
		return err
	case <-c.closed:
		return io.ErrClosedPipe
	}
}

func (c *stream) Close() error {
	c.closeOnce.Do(func() { close(c.closed) })
	return nil
}
