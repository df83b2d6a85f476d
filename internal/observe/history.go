package observe

import (
	"context"
	"fmt"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/store"
)

// Keep writes what r sees to file, which must stay open until [Recorder.Finish] has returned. session names this run. It
// must be called before anything is recorded.
func (r *Recorder) Keep(ctx context.Context, file *store.Store, session string, keep Retention) error {
	archive := newArchive(file, session, keep)
	earlier, err := archive.changes(ctx)
	if err != nil {
		return fmt.Errorf("reading the history: %w", err)
	}
	r.changes.load(earlier)
	r.history = newHistoryWriter(archive, r.calls, &r.changes)
	go r.history.run()
	return nil
}

// Finish writes down what is not in the archive yet and ends its writing. Call it when nothing more is recorded. It may
// be called again, and without an archive.
func (r *Recorder) Finish() error {
	if r.history == nil {
		return nil
	}
	return r.history.finish()
}

// History tells how many calls are remembered, and how the archive is doing.
func (r *Recorder) History() *meshv1.HistoryStatus {
	status := &meshv1.HistoryStatus{MemoryCalls: int64(r.limits.Calls)}
	if r.history == nil {
		return status
	}
	if r.history.keep.Calls > 0 {
		status.StoredCalls = int64(r.history.keep.Calls)
		status.StoredSeconds = int64(r.history.keep.Age.Seconds())
	}
	missed, trouble := r.history.health()
	status.MissedCalls = int64(missed)
	if trouble != nil {
		status.Error = trouble.Error()
	}
	return status
}
