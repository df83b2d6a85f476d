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
	// NarrowBuffer is the most that is read through before the other end may have more.
	NarrowBuffer = 32 << 10
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
	most       int // size of the buffer of a busy link
	// wide says whether the bounds of Narrow are over; nil if there are none.
	wide func() bool
	// OnRead is called with the size of each read. It may be changed between calls of Next, by whoever makes them.
	OnRead func(n int)
}

// NewReader reads frames from src, and tells onRead of each read.
func NewReader(src io.Reader, onRead func(int)) *Reader {
	return &Reader{src: src, buf: make([]byte, minReadBuffer), limit: maxPayload, most: maxReadBuffer, OnRead: onRead}
}

// Narrow bounds what is read, frames and all, to 32 KiB until wide says otherwise, which is asked whenever that is too little.
func (r *Reader) Narrow(wide func() bool) {
	r.wide, r.limit, r.most = wide, NarrowBuffer-HeaderSize, NarrowBuffer
}

// widen ends the bounds of Narrow if they are over.
func (r *Reader) widen() {
	if r.wide != nil && r.wide() {
		r.wide, r.limit, r.most = nil, maxPayload, maxReadBuffer
	}
}

// Next returns the next frame. The payload is valid until the following call.
func (r *Reader) Next() (Header, []byte, error) {
	if err := r.need(HeaderSize); err != nil {
		return Header{}, nil, err
	}
	h := parseHeader(r.buf[r.start:])
	if h.Length > r.limit {
		r.widen()
	}
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
	if r.end == size && size >= r.most {
		r.widen()
	}
	switch {
	case r.end == len(r.buf) && size < r.most:
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
