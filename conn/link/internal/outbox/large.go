package outbox

import (
	"sync/atomic"
	"time"

	"github.com/collectiverpc/collective/conn/link/internal/buffer"
	"github.com/collectiverpc/collective/conn/link/internal/frame"
)

// Message is a large message, which leaves in parts. Calls with one take turns, a part each.
type Message struct {
	Type  frame.Type
	Call  uint64
	Flags uint8 // of the last part
	// Prefix precedes the size in the first part.
	Prefix []byte
	Data   []byte
	// Owner is what Data lies in if the outbox may keep it until it is written. Nil: parts are copied.
	Owner *buffer.Buffer
	// Half is whose credit it needs; nil: none.
	Half *Half

	started  bool
	waits    waits
	progress time.Time
	moved    chan struct{} // closed when every part is in a batch, or when it is withdrawn
}

// waits is what a message waits for.
type waits uint8

const (
	forNothing waits = iota // it has not been queued
	forCredit
	forTurn
	gone      // every part is in a batch
	withdrawn // parts of it never left
)

// begin makes the message one that waits.
func (m *Message) begin() { m.moved, m.progress = make(chan struct{}), time.Now() }

// end lets go of a message that waits no more, and of its sender.
func (m *Message) end(at waits) {
	m.waits, m.Data, m.Owner = at, nil, nil
	if m.Half != nil {
		m.Half.large.Store(nil)
	}
	close(m.moved)
}

// ready reports whether the credit is enough for the next part of m.
func (m *Message) ready() bool {
	return m.Half == nil || m.Half.credit >= m.overhead()+min(1, len(m.Data))
}

// overhead is what the next part costs besides its bytes.
func (m *Message) overhead() int {
	if m.started {
		return 0
	}
	return frame.MessageCost
}

// Half is the sending half of a call. The lock of the outbox guards it.
type Half struct {
	credit int
	large  atomic.Pointer[Message] // that waits for its turn or for credit; may be read without the lock
}

// Begin gives the half of a new call its first credit.
func (h *Half) Begin(credit int) { h.credit = credit }

// Spend takes the cost of a message of n bytes off the credit, if that is enough.
func (h *Half) Spend(n int) bool {
	if n+frame.MessageCost > h.credit {
		return false
	}
	h.credit -= n + frame.MessageCost
	return true
}
