package link

import (
	"sync/atomic"

	"github.com/collectiverpc/collective/conn/link/internal/buffer"
)

// responseHeaders are the HEADERS of an answer on their way from the reader to Receive. They do not move the life of the
// call: either half goes on.
type responseHeaders struct {
	state atomic.Uint32                 // a headersState; only the reader changes it
	block atomic.Pointer[buffer.Buffer] // as it came, until Receive has it
}

// headersState is what has come of the response headers.
type headersState = uint32

const (
	headersAwaited headersState = iota
	headersCame                 // they belong to the first message
	headersFlushed              // the handler sent them off by themselves
)

// arrive takes a block, unless one has come before, and returns how much memory it takes.
func (h *responseHeaders) arrive(block []byte, state headersState) (held int, ok bool) {
	if h.state.Load() != headersAwaited {
		return 0, false
	}
	kept := buffer.CopyOf(block)
	held = cap(kept.B)
	h.block.Store(kept)
	h.state.Store(state)
	return held, true
}

func (h *responseHeaders) flushed() bool { return h.state.Load() == headersFlushed }

// pop returns the block, once; nil if there is none.
func (h *responseHeaders) pop() *buffer.Buffer {
	if h.block.Load() == nil {
		return nil // the usual case, without a write
	}
	return h.block.Swap(nil)
}

// drop forgets a block that nobody will read, and returns the memory that this frees.
func (h *responseHeaders) drop() (held int) {
	head := h.pop()
	if head == nil {
		return 0
	}
	held = cap(head.B)
	head.Release()
	return held
}

func (h *responseHeaders) reset() {
	h.state.Store(headersAwaited)
	h.block.Store(nil)
}
