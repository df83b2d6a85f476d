package link

import (
	"runtime"
	"time"
)

// writeSlice is how much is written at once: each slice has its own writeTimeout, so that a slow way is not taken for a
// dead one.
const writeSlice = 256 << 10

// writeLoop writes batches until the link is over. It yields once before it takes a batch: every call that is ready to
// run appends its frame first, so that one write carries them all.
func (l *Link) writeLoop() error {
	for {
		l.gather()
		batch := l.out.take()
		if batch == nil {
			if !l.awaitWork() {
				return ErrClosed
			}
			continue
		}
		if err := l.write(batch); err != nil {
			return err
		}
		l.out.giveBack(batch)
	}
}

func (l *Link) write(batch []byte) error {
	defer l.live.wrote()
	for len(batch) > 0 {
		n := min(len(batch), writeSlice)
		l.live.writes()
		if _, err := l.stream.Write(batch[:n]); err != nil {
			return err
		}
		batch = batch[n:]
	}
	return nil
}

func (l *Link) awaitWork() bool {
	select {
	case <-l.out.wake:
		return true
	case <-l.over:
		return false
	}
}

const (
	// maxYields and maxGather bound how long gather waits for more. Where a yield takes longer than that, the process
	// is busy with other things and batches are large by themselves.
	maxYields = 8
	maxGather = 100 * time.Microsecond
)

// gather yields as long as others go on adding frames meanwhile.
func (l *Link) gather() {
	start, size := time.Now(), 0
	for range maxYields {
		runtime.Gosched()
		now := l.out.queued()
		if now == size || time.Since(start) > maxGather {
			return
		}
		size = now
	}
}

func (o *outbox) queued() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.buf)
}
