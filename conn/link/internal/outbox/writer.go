package outbox

import (
	"io"
	"net"
	"runtime"
	"time"
)

// writeSlice is how much is written at once: each slice has its own timeout, so that a slow way is not taken for a
// dead one.
const writeSlice = 256 << 10

// Writer is the only one that writes to a stream.
type Writer struct {
	to    io.Writer
	out   *Outbox
	watch Watch
}

// Watch is told when a write begins and ends, so that one that hangs is noticed.
type Watch interface {
	// WriteBegins is called before each piece of a write: each has its own time.
	WriteBegins()
	WriteEnds()
}

// NewWriter returns the writer of what is in out.
func NewWriter(to io.Writer, out *Outbox, watch Watch) *Writer { return &Writer{to, out, watch} }

// Loop writes batches until the link is over. It yields once before it takes a batch: every call that is ready to
// run appends its frame first, so that one write carries them all.
func (w *Writer) Loop() error {
	var insets net.Buffers
	for {
		w.gather()
		next := w.out.nextBatch()
		if next.empty() {
			if !w.awaitWork() {
				return ErrOver
			}
			continue
		}
		if err := w.writeBatch(next, &insets); err != nil {
			return err
		}
		w.out.recycle(next)
	}
}

// writeBatch writes a batch. pieces is memory for it. What an inset delays is bounded by batchParts.
func (w *Writer) writeBatch(b batch, pieces *net.Buffers) error {
	if len(b.insets) == 0 {
		return w.write(b.buf)
	}
	first := b.insets[0].at
	if first > writeSlice {
		if err := w.write(b.buf[:first]); err != nil {
			return err
		}
	} else {
		first = 0
	}
	*pieces = b.pieces((*pieces)[:0], first)
	defer w.watch.WriteEnds()
	w.watch.WriteBegins()
	left := *pieces // WriteTo uses up what it is called on
	_, err := left.WriteTo(w.to)
	clear(*pieces)
	return err
}

func (w *Writer) write(batch []byte) error {
	defer w.watch.WriteEnds()
	for len(batch) > 0 {
		n := min(len(batch), writeSlice)
		w.watch.WriteBegins()
		if _, err := w.to.Write(batch[:n]); err != nil {
			return err
		}
		batch = batch[n:]
	}
	return nil
}

func (w *Writer) awaitWork() bool {
	select {
	case <-w.out.wake:
		return true
	case <-w.out.over:
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
func (w *Writer) gather() {
	start, size := time.Now(), 0
	for range maxYields {
		runtime.Gosched()
		now := w.out.queued()
		if now == size || time.Since(start) > maxGather {
			return
		}
		size = now
	}
}
