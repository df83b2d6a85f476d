package observe

import (
	"context"
	"sync"
	"time"
)

// How the archive is written: rarely when there is little to write, and in bounded transactions, since connections
// write to the same file.
const (
	writeLook  = 50 * time.Millisecond // how often it looks whether the ring fills up
	writeEvery = time.Second           // how long the little there is may wait
	pruneEvery = time.Minute           // how often the old is looked for when there is nothing new
	writeMost  = 1000                  // calls in one transaction, which connections wait for
	writeTime  = 10 * time.Second      // for one transaction
)

// historyWriter copies calls and changes to an archive. Calls do not wait for it: if the disk is too slow for them, the
// oldest are missed, and counted. What a crash takes is what it had not written yet, a second's worth at most unless the disk
// is behind.
type historyWriter struct {
	*archive
	changes  *changes
	stop     chan struct{}
	stopOnce sync.Once
	done     chan struct{}

	// The rest belongs to its goroutine, but for what mu guards.
	cursor  cursor    // its place in the ring: what is before it is written or missed
	changed uint64    // number of the last change that is written
	wrote   time.Time // the last attempt

	mu      sync.Mutex
	missed  uint64
	trouble error // of the last attempt
}

// newHistoryWriter begins with what happens from now on: all changes that are there have come from the archive.
func newHistoryWriter(archive *archive, calls *ring, changes *changes) *historyWriter {
	return &historyWriter{
		archive: archive, changes: changes, stop: make(chan struct{}), done: make(chan struct{}),
		cursor: cursor{ring: calls}, changed: changes.last(), wrote: time.Now(),
	}
}

// finish ends run, after it has written what there is, and answers what went wrong last. It may be called again.
func (w *historyWriter) finish() error {
	w.stopOnce.Do(func() { close(w.stop) })
	<-w.done
	_, err := w.health()
	return err
}

// run looks often whether there is much to write and writes seldom when there is not. The last time is when it is stopped,
// after which nothing is recorded any more.
func (w *historyWriter) run() {
	defer close(w.done)
	ticker := time.NewTicker(writeLook)
	defer ticker.Stop()
	for {
		select {
		case <-w.stop:
			w.catchUp()
			return
		case <-ticker.C:
			if w.due() {
				w.catchUp()
			}
		}
	}
}

// due tells whether it is time to write. After a failure, too, it waits until the next time comes.
func (w *historyWriter) due() bool {
	since := time.Since(w.wrote)
	switch {
	case since >= pruneEvery:
		return true
	case w.pending() == 0 && w.changes.last() == w.changed:
		return false
	}
	_, trouble := w.health()
	return since >= writeEvery || trouble == nil && w.pending() >= w.cursor.ring.size/4
}

// pending is how many calls are not in the archive. Without retention of calls none ever is.
func (w *historyWriter) pending() uint64 {
	if w.keep.Calls == 0 {
		return 0
	}
	return w.cursor.ring.last.Load() - w.cursor.read
}

// catchUp writes what there was when it began, or until that fails.
func (w *historyWriter) catchUp() {
	for end := w.cursor.ring.last.Load(); ; {
		err := w.writeSome()
		if err != nil || w.pending() == 0 || w.cursor.read >= end {
			return
		}
	}
}

// writeSome writes one transaction. If that fails, nothing is skipped.
func (w *historyWriter) writeSome() error {
	w.wrote = time.Now()
	before := w.cursor.read
	var calls []Call
	var lost uint64
	if w.pending() > 0 {
		lost = w.cursor.next(func(c *Call) bool {
			calls = append(calls, *c)
			return len(calls) < writeMost
		})
	}
	changes, last := w.changes.since(w.changed)
	ctx, cancel := context.WithTimeout(context.Background(), writeTime)
	defer cancel()
	err := w.write(ctx, calls, changes)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.trouble = err; err != nil {
		w.cursor.read = before
		return err
	}
	w.missed += lost
	w.changed = last
	return nil
}

// health is how many calls the disk was too slow for, and what was wrong with the last attempt to write; nil if it went well.
func (w *historyWriter) health() (missed uint64, trouble error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.missed, w.trouble
}
