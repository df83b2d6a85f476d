package held

import (
	"sync/atomic"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
)

// Budget is the one of a process. It is safe for concurrent use.
type Budget struct {
	all  int64
	left atomic.Int64
}

// New makes one of so many bytes.
func New(all int64) *Budget {
	b := &Budget{all: all}
	b.left.Store(all)
	return b
}

// Take takes so many bytes more. There is no waiting: whoever waits holds what it has.
func (b *Budget) Take(n int64) error {
	if b.left.Add(-n) >= 0 {
		return nil
	}
	b.left.Add(n)
	return connect.NewError(connect.CodeResourceExhausted,
		"the requests of this collector hold as much memory as they may; try again in a second").WithDetail(refusal.RetryInSecond)
}

// Give gives them back.
func (b *Budget) Give(n int64) { b.left.Add(n) }

// Held is how many are held at this moment.
func (b *Budget) Held() int64 { return b.all - b.left.Load() }
