package call

import (
	"sync/atomic"
	"time"
)

// budget bounds repetitions to a fifth of the calls and ten a second more, so that calls that fail everywhere do not
// make three times the traffic. It counts in tenths of a repetition.
// It begins full. All its methods are safe for concurrent use; none of them blocks.
type retryBudget struct {
	tenths atomic.Int64
	filled atomic.Int64 // Unix nanoseconds of the last filling
}

const (
	// All in tenths of a repetition.
	BudgetPerCall   = 2   // a fifth of a repetition
	BudgetPerSecond = 100 // ten repetitions
	// A hundred repetitions: what a mesh at rest may use up at once.
	budgetMost = 1000
	// BudgetSpent is what one repetition costs.
	BudgetSpent = 10
)

// NewRetryBudget makes a full budget. A collector has one for all its calls.
func NewRetryBudget() *retryBudget {
	b := new(retryBudget)
	b.tenths.Store(budgetMost)
	b.filled.Store(time.Now().UnixNano())
	return b
}

// earn is called once per call to a peer.
func (b *retryBudget) earn() {
	if b.tenths.Load() < budgetMost {
		b.tenths.Add(BudgetPerCall)
	}
}

// spend reports whether a call may be repeated now.
func (b *retryBudget) spend() bool {
	b.fill()
	for {
		has := b.tenths.Load()
		if has < BudgetSpent {
			return false
		}
		if b.tenths.CompareAndSwap(has, has-BudgetSpent) {
			return true
		}
	}
}

// fill adds what time has brought since the last filling.
func (b *retryBudget) fill() {
	now, last := time.Now().UnixNano(), b.filled.Load()
	brought := min(budgetMost, (now-last)*BudgetPerSecond/int64(time.Second))
	if brought <= 0 || !b.filled.CompareAndSwap(last, now) {
		return
	}
	if b.tenths.Add(brought) > budgetMost {
		b.tenths.Store(budgetMost)
	}
}
