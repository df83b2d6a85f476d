package audit

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/collectiverpc/collective/access"
)

// What is kept in memory, and how much may wait to be written.
const (
	// MostInMemory is how many rows are remembered without a file.
	MostInMemory = 1024
	// mostWaiting is how many rows may wait for the file; the oldest of more are missed.
	mostWaiting = 4096
	// writeEvery is how long a row waits for others.
	writeEvery = 250 * time.Millisecond
)

// Log is the audit log of one collector. All methods are safe for concurrent use.
type Log struct {
	log  *slog.Logger
	wake chan struct{}
	stop func()
	done chan struct{}

	writing  sync.Mutex // one writes at a time
	archive  *archive   // nil without a file; set before the first Record
	troubled bool       // whether the last time failed; guarded by writing

	mu     sync.Mutex
	seq    uint64
	recent []*Row // oldest first
	floods floods
	dirty  []*Row        // to be written: new ones, and those whose count changed
	told   map[*Row]bool // what waits, and whether it is new
	missed int64
}

// New makes a log that writes to the program's log, in the group audit. The caller closes it.
func New(log *slog.Logger) *Log {
	stopping := make(chan struct{})
	l := &Log{
		log: log, wake: make(chan struct{}, 1), stop: sync.OnceFunc(func() { close(stopping) }), done: make(chan struct{}),
		floods: floods{open: make(map[likeness]*Row), callers: make(map[caller]int)},
		told:   make(map[*Row]bool),
	}
	go l.run(stopping)
	return l
}

// Record remembers an event. It waits for no disk and no log. One without a time happens now.
func (l *Log) Record(e access.Event) {
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	e = bounded(e)
	l.mu.Lock()
	defer l.mu.Unlock()
	row, fresh := l.row(&e)
	if len(l.dirty) >= mostWaiting {
		delete(l.told, l.dirty[0])
		l.dirty = l.dirty[1:]
		l.missed++
	}
	if _, waits := l.told[row]; !waits {
		l.told[row] = fresh
		l.dirty = append(l.dirty, row)
	}
	select {
	case l.wake <- struct{}{}:
	default: // it is awake
	}
}

// row is the row of an event, which has it counted. Callers hold mu. What was allowed has a row of its own each time, as everything
// that was done must be found; what was denied may be asked for by anybody as often as he likes, and is counted.
func (l *Log) row(e *access.Event) (row *Row, fresh bool) {
	count := int64(max(1, e.Count)) // some of it may have been put together before
	if !e.Allowed {
		if same := l.floods.find(e); same != nil {
			same.Count += count
			same.Last = e.Time
			return same, false
		}
	}
	l.seq++
	row = &Row{Event: *e, Seq: l.seq, Count: count, Last: e.Time}
	if !e.Allowed {
		l.floods.add(row)
	}
	if len(l.recent) >= MostInMemory {
		l.recent = l.recent[1:]
	}
	l.recent = append(l.recent, row)
	return row, true
}

// run writes what is recorded until the log is closed, and then the rest. It waits between two writes, so that many events are one
// transaction, and one sync of the disk.
func (l *Log) run(stopping <-chan struct{}) {
	defer close(l.done)
	pause := time.NewTimer(writeEvery)
	defer pause.Stop()
	for {
		select {
		case <-stopping:
			l.write(context.Background())
			return
		case <-l.wake:
		}
		l.write(context.Background())
		pause.Reset(writeEvery)
		select {
		case <-stopping:
		case <-pause.C:
		}
	}
}

// write writes what waits, to the log of the program first: that has it, whatever becomes of the file. What fails is missed, and
// counted. Nothing is tried again, since what waits would grow while the disk is full.
func (l *Log) write(ctx context.Context) {
	l.writing.Lock()
	defer l.writing.Unlock()
	rows, first := l.take()
	for i := range rows {
		l.say(ctx, &rows[i], first[i])
	}
	if l.archive == nil || len(rows) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, writeTime)
	defer cancel()
	err := l.archive.write(ctx, rows)
	if err != nil {
		l.mu.Lock()
		l.missed += int64(len(rows))
		l.mu.Unlock()
		if !l.troubled {
			l.log.Error("the audit log cannot be written to the file; it is in the program's log only", "error", err)
		}
	}
	l.troubled = err != nil
}

// take copies the rows that wait. first tells which of them nobody has seen yet.
func (l *Log) take() (rows []Row, first []bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, row := range l.dirty {
		rows, first = append(rows, *row), append(first, l.told[row])
	}
	l.dirty = nil
	clear(l.told)
	return rows, first
}

// say tells the program's log of a row when it is new, and not each time that it is counted up.
func (l *Log) say(ctx context.Context, row *Row, first bool) {
	level, text := slog.LevelInfo, "done"
	switch {
	case !first:
		return
	case !row.Allowed:
		level, text = slog.LevelWarn, "denied"
	}
	l.log.LogAttrs(ctx, level, text, slog.Any("audit", *row))
}

// Close writes what waits, and ends the log. What is recorded afterwards is not written. It may be called again.
func (l *Log) Close() {
	l.stop()
	<-l.done
}

// Missed is how many rows could not be written to the file.
func (l *Log) Missed() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.missed
}
