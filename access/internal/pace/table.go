package pace

import (
	"sync"
	"time"
)

// sweepEvery is how long a full table is not swept again, in nanoseconds: a sweep looks at every bucket.
const sweepEvery = int64(time.Second)

// Key tells buckets apart. The fields that a limit does not count by are empty.
type Key struct {
	Principal string
	Policy    string
	Procedure string
	Rate      Rate // so that a policy whose rate changes has new buckets
}

// Table has the buckets of all. Make it with [NewTable]. It is safe for concurrent use.
type Table struct {
	most int

	mu      sync.Mutex
	buckets map[Key]*Bucket
	sweptAt int64
}

// NewTable makes a table of at most so many buckets, and one for each policy besides.
func NewTable(most int) *Table { return &Table{most: most, buckets: make(map[Key]*Bucket)} }

// Bucket finds or makes the bucket of a key. When the table is full it forgets buckets that are idle, and tells so: then
// those who kept one must ask again. When none is idle, all further principals of a policy share one bucket, so that making
// up principals gives nobody more.
func (t *Table) Bucket(key Key, now int64) (b *Bucket, forgot bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if b, ok := t.buckets[key]; ok {
		return b, false
	}
	if len(t.buckets) >= t.most {
		forgot = t.sweep(now)
	}
	if len(t.buckets) >= t.most {
		return t.shared(key), forgot
	}
	b = newBucket(key.Rate)
	t.buckets[key] = b
	return b, forgot
}

// shared is the bucket of those for whom there is no room.
func (t *Table) shared(key Key) *Bucket {
	key.Principal, key.Procedure = "", ""
	if b, ok := t.buckets[key]; ok {
		return b
	}
	b := newBucket(key.Rate)
	t.buckets[key] = b
	return b
}

func (t *Table) sweep(now int64) (forgot bool) {
	if t.sweptAt != 0 && now-t.sweptAt < sweepEvery {
		return false
	}
	t.sweptAt = now
	for key, b := range t.buckets {
		if b.idle(now) {
			delete(t.buckets, key)
			forgot = true
		}
	}
	return forgot
}

// Len is how many buckets there are.
func (t *Table) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.buckets)
}
