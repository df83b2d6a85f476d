// Package buffer pools the memory of messages between where they are encoded and where they are decoded.
//
// Words:
//
//	class  the buffers of one size, from 512 bytes by powers of two
package buffer

import (
	"math/bits"
	"sync"
)

// Buffer holds the bytes of a message on its way from Send to the writer, or those of several on their way from the
// reader to Receive.
type Buffer struct {
	B []byte // the bytes

	// Read is where the next of several received messages begins.
	Read int
	// Claimed is how much of that message's cost was claimed while it arrived.
	Claimed int
}

// Buffers are pooled by size, so that a small message never occupies a large buffer.
const (
	minPooled = 512
	maxPooled = minPooled<<(bufferSizes-1) + extra

	bufferSizes = 14

	// extra is what a buffer has beyond a power of two, for what precedes a message of such a size.
	extra = 16
)

// buffers holds, at index i, buffers of at least minPooled<<i + extra bytes.
var buffers [bufferSizes]sync.Pool

// New returns an empty buffer with room for n bytes.
func New(n int) *Buffer {
	if n > maxPooled {
		return &Buffer{B: make([]byte, 0, n)}
	}
	class := classOf(n)
	if buf, ok := buffers[class].Get().(*Buffer); ok {
		return buf
	}
	return &Buffer{B: make([]byte, 0, minPooled<<class+extra)}
}

// classOf is the smallest class with room for n bytes.
func classOf(n int) int { return bits.Len(uint(max(n-extra, minPooled)-1) / minPooled) }

// Room is how much memory New takes for n bytes.
func Room(n int) int {
	if n > maxPooled {
		return n
	}
	return minPooled<<classOf(n) + extra
}

// CopyOf returns a buffer that holds the bytes of b.
func CopyOf(b []byte) *Buffer {
	buf := New(len(b))
	buf.B = append(buf.B, b...)
	return buf
}

// Release returns the buffer to the pool. Nobody may use it any more.
func (b *Buffer) Release() {
	size := cap(b.B)
	if size < minPooled+extra || size > maxPooled {
		return
	}
	*b = Buffer{B: b.B[:0]}
	buffers[bits.Len(uint(size-extra)/minPooled)-1].Put(b)
}
