package link

import (
	"runtime"
	"time"
)

// writeTimeout bounds one write: a receiver that takes nothing for so long is gone.
const writeTimeout = 5 * time.Second

type writeDeadliner interface{ SetWriteDeadline(time.Time) error }

// writeLoop writes batches until the link is over. It yields once before it takes a batch: every call that is ready to
// run appends its frame first, so that one write carries them all.
func (l *Link) writeLoop() error {
	deadliner, _ := l.stream.(writeDeadliner)
	for {
		runtime.Gosched()
		batch, number := l.out.take()
		if batch == nil {
			if !l.awaitWork() {
				return ErrClosed
			}
			continue
		}
		l.written.Store(number)
		if deadliner != nil {
			_ = deadliner.SetWriteDeadline(time.Now().Add(writeTimeout)) // a stream that cannot is watched by the pings
		}
		if _, err := l.stream.Write(batch); err != nil {
			return err
		}
		l.out.giveBack(batch)
	}
}

func (l *Link) awaitWork() bool {
	select {
	case <-l.out.wake:
		return true
	case <-l.over:
		return false
	}
}
