package outbox

import (
	"net"

	"github.com/collectiverpc/collective/conn/link/internal/buffer"
)

// batch is what leaves at once: buf, with the bytes of insets between.
type batch struct {
	buf    []byte
	insets []inset
	owned  []*buffer.Buffer // that the insets lie in, to be released when all is written
}

// inset is a part of a large message that is written from where it lies.
type inset struct {
	at   int // its place in buf
	data []byte
}

// insetSize is from which size on a part is not worth copying, if the stream takes pieces.
const insetSize = 4 << 10

func (b *batch) empty() bool { return len(b.buf) == 0 }

// reuse returns the memory of a batch that is written.
func (b *batch) reuse() batch {
	for _, buf := range b.owned {
		buf.Release()
	}
	clear(b.owned)
	clear(b.insets)
	return batch{buf: b.buf[:0], insets: b.insets[:0], owned: b.owned[:0]}
}

// pieces cuts a batch from a place in buf on into what lies together.
func (b *batch) pieces(pieces net.Buffers, from int) net.Buffers {
	for _, in := range b.insets {
		pieces = append(pieces, b.buf[from:in.at], in.data)
		from = in.at
	}
	return append(pieces, b.buf[from:])
}
