package link

import (
	"math/bits"
	"sync"
)

// buffer holds the bytes of a message on its way from Send to the writer, or those of several on their way from the
// reader to Receive.
type buffer struct {
	b []byte

	// Of received messages:
	read    int // where the next message begins
	claimed int // how much of that message's cost was claimed while it arrived
}

// Buffers are pooled by size, so that a small message never occupies a large buffer.
const (
	minPooled = 512
	maxPooled = minPooled << (bufferSizes - 1)

	bufferSizes = 14
)

// buffers holds, at index i, buffers of at least minPooled<<i bytes.
var buffers [bufferSizes]sync.Pool

// newBuffer returns an empty buffer with room for n bytes.
func newBuffer(n int) *buffer {
	if n > maxPooled {
		return &buffer{b: make([]byte, 0, n)}
	}
	class := bits.Len(uint(max(n, minPooled)-1) / minPooled)
	if buf, ok := buffers[class].Get().(*buffer); ok {
		return buf
	}
	return &buffer{b: make([]byte, 0, minPooled<<class)}
}

// copyOf returns a buffer that holds the bytes of b.
func copyOf(b []byte) *buffer {
	buf := newBuffer(len(b))
	buf.b = append(buf.b, b...)
	return buf
}

// release returns the buffer to the pool. Nobody may use it any more.
func (b *buffer) release() {
	size := cap(b.b)
	if size < minPooled || size > maxPooled {
		return
	}
	*b = buffer{b: b.b[:0]}
	buffers[bits.Len(uint(size)/minPooled)-1].Put(b)
}
