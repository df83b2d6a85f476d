package observe

import (
	"context"
	"fmt"
	"sync"
	"time"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/store"
)

// How the archive is written: rarely when there is little to write, and in bounded transactions, since connections
// write to the same file.
const (
	writeLook  = 50 * time.Millisecond
	writeEvery = time.Second
	pruneEvery = time.Minute
	writeMost  = 1000
	writeTime  = 10 * time.Second // for one transaction
)

// archivist copies what a recorder has seen to its archive. Calls do not wait for it: if the disk is too slow for them,
// the oldest are missed, and counted. What a crash takes is what it had not written yet, a second's worth at most unless
// the disk is behind.
type archivist struct {
	*archive
	recorder *Recorder
	stop     chan struct{}
	stopOnce sync.Once
	done     chan struct{}

	// The rest belongs to its goroutine, but for what mu guards.
	cursor  cursor
	changed uint64    // number of the last change that is written
	wrote   time.Time // the last attempt

	mu      sync.Mutex
	missed  uint64
	trouble error // of the last attempt
}

// Keep writes what r sees to file, which must stay open until [Recorder.Finish] has returned. session names this run. It
// must be called before anything is recorded.
func (r *Recorder) Keep(ctx context.Context, file *store.Store, session string, keep Retention) error {
	archive := newArchive(file, session, keep)
	earlier, err := archive.changes(ctx)
	if err != nil {
		return fmt.Errorf("reading the history: %w", err)
	}
	r.changes.load(earlier)
	r.archive = &archivist{
		archive: archive, recorder: r, stop: make(chan struct{}), done: make(chan struct{}),
		cursor: cursor{ring: r.calls}, changed: r.changes.last(), wrote: time.Now(),
	}
	go r.archive.run()
	return nil
}

// Finish writes down what is not in the archive yet and ends its writing. Call it when nothing more is recorded. It may
// be called again, and without an archive.
func (r *Recorder) Finish() error {
	if r.archive == nil {
		return nil
	}
	r.archive.stopOnce.Do(func() { close(r.archive.stop) })
	<-r.archive.done
	_, err := r.archive.health()
	return err
}

func (a *archivist) run() {
	defer close(a.done)
	ticker := time.NewTicker(writeLook)
	defer ticker.Stop()
	for {
		select {
		case <-a.stop:
			a.catchUp()
			return
		case <-ticker.C:
			if a.due() {
				a.catchUp()
			}
		}
	}
}

// due tells whether it is time to write. After a failure, too, it waits until the next time comes.
func (a *archivist) due() bool {
	since := time.Since(a.wrote)
	switch {
	case since >= pruneEvery:
		return true
	case a.pending() == 0 && a.recorder.changes.last() == a.changed:
		return false
	}
	_, trouble := a.health()
	return since >= writeEvery || trouble == nil && a.pending() >= a.cursor.ring.size/4
}

func (a *archivist) pending() uint64 {
	if a.keep.Calls == 0 {
		return 0
	}
	return a.cursor.ring.last.Load() - a.cursor.read
}

// catchUp writes what there was when it began, or until that fails.
func (a *archivist) catchUp() {
	for end := a.cursor.ring.last.Load(); ; {
		err := a.writeSome()
		if err != nil || a.pending() == 0 || a.cursor.read >= end {
			return
		}
	}
}

// writeSome writes one transaction. If that fails, nothing is skipped.
func (a *archivist) writeSome() error {
	a.wrote = time.Now()
	before := a.cursor.read
	var calls []Call
	var lost uint64
	if a.pending() > 0 {
		lost = a.cursor.next(func(c *Call) bool {
			calls = append(calls, *c)
			return len(calls) < writeMost
		})
	}
	changes, last := a.recorder.changes.since(a.changed)
	ctx, cancel := context.WithTimeout(context.Background(), writeTime)
	defer cancel()
	err := a.write(ctx, calls, changes)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.trouble = err; err != nil {
		a.cursor.read = before
		return err
	}
	a.missed += lost
	a.changed = last
	return nil
}

func (a *archivist) health() (missed uint64, trouble error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.missed, a.trouble
}

// History tells how many calls are remembered, and how the archive is doing.
func (r *Recorder) History() *meshv1.HistoryStatus {
	status := &meshv1.HistoryStatus{MemoryCalls: int64(r.limits.Calls)}
	if r.archive == nil {
		return status
	}
	if r.archive.keep.Calls > 0 {
		status.StoredCalls = int64(r.archive.keep.Calls)
		status.StoredSeconds = int64(r.archive.keep.Age.Seconds())
	}
	missed, trouble := r.archive.health()
	status.MissedCalls = int64(missed)
	if trouble != nil {
		status.Error = trouble.Error()
	}
	return status
}
