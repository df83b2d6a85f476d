package frame

import (
	"fmt"
	"io"
)

const (
	// An idle link reads through a small buffer; a busy one through one that holds many frames.
	minReadBuffer = 4 << 10
	maxReadBuffer = 128 << 10
	// quietReads is how many small reads in a row make the buffer small again.
	quietReads = 256
	// maxIdleReads is how many reads in a row may bring nothing.
	maxIdleReads = 100
)

// Reader cuts a byte stream into frames.
// It belongs to one goroutine. Its buffer holds any frame that the limit allows.
type Reader struct {
	src        io.Reader
	buf        []byte
	start, end int
	quiet      int
	limit      int // of a payload
	// OnRead is called with the size of each read. It may be changed between calls of Next, by whoever makes them.
	OnRead func(n int)
}

// NewReader reads frames from src, and tells onRead of each read.
func NewReader(src io.Reader, onRead func(int)) *Reader {
	return &Reader{src: src, buf: make([]byte, minReadBuffer), limit: maxPayload, OnRead: onRead}
}

// Next returns the next frame. The payload is valid until the following call.
func (r *Reader) Next() (Header, []byte, error) {
	if err := r.need(HeaderSize); err != nil {
		return Header{}, nil, err
	}
	h := parseHeader(r.buf[r.start:])
	if h.Length > r.limit {
		return h, nil, Malformed(fmt.Sprintf("frame of %d bytes exceeds %d", h.Length, r.limit))
	}
	if err := r.need(HeaderSize + h.Length); err != nil {
		return h, nil, err
	}
	body := r.buf[r.start+HeaderSize : r.start+HeaderSize+h.Length]
	r.start += HeaderSize + h.Length
	return h, body, nil
}

// need makes n bytes available at start.
func (r *Reader) need(n int) error {
	for idle := 0; r.end-r.start < n; idle++ {
		r.makeRoom(n)
		got, err := r.src.Read(r.buf[r.end:])
		switch {
		case got > 0:
			r.end += got
			r.OnRead(got)
			idle = 0
		case err != nil:
			return r.readError(err)
		case idle > maxIdleReads:
			return io.ErrNoProgress
		}
	}
	return nil
}

// readError tells a stream that ended between frames from one that was cut within one.
func (r *Reader) readError(err error) error {
	if err == io.EOF && r.end > r.start {
		return io.ErrUnexpectedEOF
	}
	return err
}

// makeRoom leaves space behind end for the rest of a frame of n bytes, and adapts the buffer to the traffic: it grows
// when a read has filled it, and shrinks after many small ones.
func (r *Reader) makeRoom(n int) {
	size := r.wantedSize(n)
	if size != len(r.buf) {
		grown := make([]byte, size)
		r.end = copy(grown, r.buf[r.start:r.end])
		r.buf, r.start = grown, 0
		return
	}
	if r.start == r.end {
		r.start, r.end = 0, 0
	} else if r.end == len(r.buf) || r.start+n > len(r.buf) {
		r.end = copy(r.buf, r.buf[r.start:r.end])
		r.start = 0
	}
}

// wantedSize is how large the buffer should be for a frame of n bytes. It shrinks only when it is empty, so that nothing is
// lost, and only doubles or starts anew, so that sizes are few.
func (r *Reader) wantedSize(n int) int {
	size := len(r.buf)
	switch {
	case r.end == len(r.buf) && size < maxReadBuffer:
		r.quiet = 0
		size *= 2
	case r.end > minReadBuffer:
		r.quiet = 0
	default:
		r.quiet++
	}
	if r.quiet > quietReads && size > minReadBuffer && r.start == r.end {
		r.quiet = 0
		size = minReadBuffer
	}
	for size < n {
		size *= 2
	}
	return size
}
