package link

import "sync"

// buffer holds the bytes of a message on their way from the reader to Receive, or from Send to the writer.
type buffer struct{ b []byte }

// maxPooled keeps one large message from occupying the pool for good.
const maxPooled = 128 << 10

var buffers = sync.Pool{New: func() any { return new(buffer) }}

func newBuffer() *buffer { return buffers.Get().(*buffer) } //nolint:forcetypeassert // the pool holds nothing else

func (b *buffer) release() {
	if cap(b.b) > maxPooled {
		return
	}
	b.b = b.b[:0]
	buffers.Put(b)
}

// take gives the bytes away for good.
func (b *buffer) take() []byte {
	data := b.b
	b.b = nil
	buffers.Put(b)
	return data
}
