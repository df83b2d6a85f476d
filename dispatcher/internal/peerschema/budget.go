package peerschema

import "sync/atomic"

// budget bounds the bytes of files that arrive from all peers at once: each may send as much as its schemas may have, and
// many may do so at the same time. It is safe for concurrent use.
type budget struct {
	most  int64
	taken atomic.Int64
}

// newBudget is twice what is kept: a pull takes what it brings until it is kept or refused, at most ten seconds.
func newBudget(limits Limits) *budget { return &budget{most: 2 * int64(limits.Bytes)} }

// take takes bytes, unless there are not so many left.
func (b *budget) take(bytes int) bool {
	if b.taken.Add(int64(bytes)) > b.most {
		b.taken.Add(-int64(bytes))
		return false
	}
	return true
}

// give gives back all that a pull has taken, when it ends and whether what it brought is kept or not: what is kept counts against the
// limits from then on.
func (b *budget) give(bytes int) { b.taken.Add(-int64(bytes)) }
