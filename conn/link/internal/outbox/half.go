package outbox

import (
	"sync/atomic"

	"github.com/collectiverpc/collective/conn/link/internal/frame"
)

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
