package link

import (
	"net"
	"runtime"
	"time"
)

// writeSlice is how much is written at once: each slice has its own writeTimeout, so that a slow way is not taken for a
// dead one.
const writeSlice = 256 << 10

// writeLoop writes batches until the link is over. It yields once before it takes a batch: every call that is ready to
// run appends its frame first, so that one write carries them all.
func (l *Link) writeLoop() error {
	var insets net.Buffers
	for {
		l.gather()
		next := l.out.take()
		if next.empty() {
			if !l.awaitWork() {
				return ErrClosed
			}
			continue
		}
		if err := l.writeBatch(next, &insets); err != nil {
			return err
		}
		l.out.giveBack(next)
	}
}

// writeBatch writes a batch. pieces is memory for it. What an inset delays is bounded by batchParts.
func (l *Link) writeBatch(b batch, pieces *net.Buffers) error {
	if len(b.insets) == 0 {
		return l.write(b.buf)
	}
	first := b.insets[0].at
	if first > writeSlice {
		if err := l.write(b.buf[:first]); err != nil {
			return err
		}
	} else {
		first = 0
	}
	*pieces = b.pieces((*pieces)[:0], first)
	defer l.live.wrote()
	l.live.writes()
	left := *pieces // WriteTo uses up what it is called on
	_, err := left.WriteTo(l.writer)
	clear(*pieces)
	return err
}

// pieces cuts a batch from a place in buf on into what lies together.
func (b *batch) pieces(pieces net.Buffers, from int) net.Buffers {
	for _, in := range b.insets {
		pieces = append(pieces, b.buf[from:in.at], in.data)
		from = in.at
	}
	return append(pieces, b.buf[from:])
}

func (l *Link) write(batch []byte) error {
	defer l.live.wrote()
	for len(batch) > 0 {
		n := min(len(batch), writeSlice)
		l.live.writes()
		if _, err := l.writer.Write(batch[:n]); err != nil {
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

// Wrapper is a stream around a connection that leaves what is written as it is, and need not see it. A link writes to
// the connection itself: a socket takes several pieces in one system call.
type Wrapper interface {
	// Unwrap returns the connection, the same each time.
	Unwrap() net.Conn
}
