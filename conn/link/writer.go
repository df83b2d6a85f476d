package link

import (
	"runtime"
)

// writeSlice is how much is written at once: each slice has its own writeTimeout, so that a slow way is not taken for a
// dead one.
const writeSlice = 256 << 10

// writeLoop writes batches until the link is over. It yields once before it takes a batch: every call that is ready to
// run appends its frame first, so that one write carries them all.
func (l *Link) writeLoop() error {
	for {
		runtime.Gosched()
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
