package link

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

// frameReader cuts a byte stream into frames.
type frameReader struct {
	src        io.Reader
	buf        []byte
	start, end int
	quiet      int
	limit      int // of a payload
	onRead     func(n int)
}

func newFrameReader(src io.Reader, onRead func(int)) *frameReader {
	return &frameReader{src: src, buf: make([]byte, minReadBuffer), limit: maxPayload, onRead: onRead}
}

// next returns the next frame. The payload is valid until the following call.
func (r *frameReader) next() (frameHeader, []byte, error) {
	if err := r.need(headerSize); err != nil {
		return frameHeader{}, nil, err
	}
	h := parseFrameHeader(r.buf[r.start:])
	if h.length > r.limit {
		return h, nil, protocolError(fmt.Sprintf("frame of %d bytes exceeds %d", h.length, r.limit))
	}
	if err := r.need(headerSize + h.length); err != nil {
		return h, nil, err
	}
	body := r.buf[r.start+headerSize : r.start+headerSize+h.length]
	r.start += headerSize + h.length
	return h, body, nil
}

// need makes n bytes available at start.
func (r *frameReader) need(n int) error {
	for idle := 0; r.end-r.start < n; idle++ {
		r.makeRoom(n)
		got, err := r.src.Read(r.buf[r.end:])
		switch {
		case got > 0:
			r.end += got
			r.onRead(got)
			idle = 0
		case err != nil:
			return r.readError(err)
		case idle > maxIdleReads:
			return io.ErrNoProgress
		}
	}
	return nil
}

func (r *frameReader) readError(err error) error {
	if err == io.EOF && r.end > r.start {
		return io.ErrUnexpectedEOF
	}
	return err
}

// makeRoom leaves space behind end for the rest of a frame of n bytes, and adapts the buffer to the traffic: it grows
// when a read has filled it, and shrinks after many small ones.
func (r *frameReader) makeRoom(n int) {
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

func (r *frameReader) wantedSize(n int) int {
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
