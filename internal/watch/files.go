package watch

import (
	"context"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// What a watcher waits for.
const (
	// settle is how long nothing happens before files are looked at: who replaces a certificate and its key writes twice.
	settle = 100 * time.Millisecond
	// settleAtMost bounds it where a directory is never quiet, such as one with logs in it.
	settleAtMost = time.Second
	// look is how often files are looked at when nothing was told of them: network file systems tell nothing.
	look = time.Minute
	// lookUntold is the same where the kernel tells nothing at all, having no more watches to give.
	lookUntold = 5 * time.Second
)

// Files calls changed whenever files have other contents than before, from now until ctx is done or stop is called. Watch
// first and read then: what changes in between is told. Calls to changed come one at a time, from a goroutine of the
// watcher; several changes within 100 ms make one call. A file that is missing or cannot be read is contents like any
// other. stop returns when changed is not running and will not be called any more; it must be called, from elsewhere than
// changed, and may be more than once.
func Files(ctx context.Context, paths []string, changed func()) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	w := &watcher{paths: paths, changed: changed, every: look}
	if told, err := fsnotify.NewWatcher(); err == nil {
		w.told = told
	} else {
		w.every = lookUntold
	}
	w.follow()
	w.seen = contents(paths)
	var running sync.WaitGroup
	running.Go(func() { w.run(ctx) })
	return func() {
		cancel()
		running.Wait()
	}
}

// watcher belongs to the goroutine of run.
type watcher struct {
	paths   []string
	changed func()
	told    *fsnotify.Watcher // nil where there are no notifications
	seen    digest            // of the contents that changed was called for
	every   time.Duration     // between looks that nothing led to
}

// run looks at the files when something happened near them, and now and then.
func (w *watcher) run(ctx context.Context) {
	events, failed := w.notifications()
	if w.told != nil {
		defer func() { _ = w.told.Close() }()
	}
	timer := time.NewTimer(w.every)
	defer timer.Stop()
	var since time.Time // the first event that was not looked at
	for {
		select {
		case <-ctx.Done():
			return
		case <-events:
		case <-failed: // events were lost: the same as one
		case <-timer.C:
			since = time.Time{}
			w.follow()
			w.compare()
			timer.Reset(w.every)
			continue
		}
		now := time.Now()
		if since.IsZero() {
			since = now
		}
		timer.Reset(max(0, min(settle, settleAtMost-now.Sub(since))))
	}
}

// notifications are channels that never have anything where the kernel tells nothing.
func (w *watcher) notifications() (<-chan fsnotify.Event, <-chan error) {
	if w.told == nil {
		return nil, nil
	}
	return w.told.Events, w.told.Errors
}

// follow watches the directories on which the contents depend now.
func (w *watcher) follow() {
	if w.told == nil {
		return
	}
	w.every = look
	want := make(map[string]bool)
	for _, path := range w.paths {
		for _, dir := range directories(path) {
			want[dir] = true
		}
	}
	for _, dir := range w.told.WatchList() {
		if !want[dir] {
			_ = w.told.Remove(dir) // it may be gone, which is why it is not wanted
		}
	}
	for dir := range want {
		if err := w.told.Add(dir); err != nil {
			w.every = lookUntold
		}
	}
}

// compare calls changed if the contents are not those of the last time.
func (w *watcher) compare() {
	if now := contents(w.paths); now != w.seen {
		w.seen = now
		w.changed()
	}
}
