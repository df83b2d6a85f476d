package link

import (
	"io"
	"syscall"
)

// directWriter writes to the stream's socket without waiting. Whoever appends a frame while nobody writes uses it to
// send the frame off: that saves the wake-up of the writer, which is a good part of the time of a lone call.
type directWriter struct {
	raw   syscall.RawConn
	batch []byte
	wrote int
	try   func(fd uintptr) bool // attempt, as a value that is made once
}

// newDirectWriter returns nil for streams that are not plain sockets.
func newDirectWriter(stream io.ReadWriteCloser) *directWriter {
	socket, ok := stream.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil
	}
	w := &directWriter{raw: raw}
	w.try = w.attempt
	return w
}

func (w *directWriter) attempt(fd uintptr) bool {
	n, err := syscall.Write(int(fd), w.batch)
	if err == nil {
		w.wrote = n
	}
	return true // whatever is left is the writer's
}

// write returns what could not be written without waiting, or at all.
func (w *directWriter) write(batch []byte) (rest []byte) {
	w.batch, w.wrote = batch, 0
	_ = w.raw.Write(w.try) // the writer meets the same error
	w.batch = nil
	return batch[w.wrote:]
}

// unlockNow is outbox.unlock for a frame that somebody waits for.
func (l *Link) unlockNow() {
	if !l.out.release() {
		return
	}
	if l.direct == nil {
		l.out.wakeWriter()
		return
	}
	l.gather()
	next, more := l.out.takeSmall()
	switch {
	case more:
		l.out.wakeWriter()
	case !next.empty() && l.out.putBack(next, l.direct.write(next.buf)):
		l.out.wakeWriter()
	}
}

// putBack ends a direct write. It reports whether there is more to write, which is the writer's then.
func (o *outbox) putBack(written batch, rest []byte) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(rest) > 0 {
		o.rest = rest
		return true
	}
	o.keep(written.reuse())
	o.awake = !o.empty() || len(o.turns) > 0
	return o.awake
}
