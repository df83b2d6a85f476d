package memnet

import (
	"bytes"
	"io"
	"os"
	"sync"
	"time"
)

// errors of a stream, named as those of net.Pipe.
var (
	errClosed  = io.ErrClosedPipe
	errTimeout = os.ErrDeadlineExceeded
)

// stream is one direction of a connection.
type stream struct {
	mu       sync.Mutex
	changed  *sync.Cond
	buf      []byte        // written, and not read yet
	capacity int           // of buf, in bytes
	rate     int           // bytes a second; 0: no limit
	way      time.Duration // how long what is written is underway
	underway [][]byte      // written, and not in buf yet
	done     bool          // nothing more is written
	deaf     bool          // nothing more is read

	reader, writer deadline
}

func newStream(capacity int) *stream {
	s := &stream{capacity: capacity}
	s.changed = sync.NewCond(&s.mu)
	return s
}

func (s *stream) read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.deaf:
			return 0, errClosed
		case s.reader.passed():
			return 0, errTimeout
		case len(s.buf) > 0:
			n := copy(b, s.buf)
			s.buf = s.buf[n:]
			s.changed.Broadcast()
			return n, nil
		case s.done && len(s.underway) == 0:
			return 0, io.EOF
		}
		s.changed.Wait()
	}
}

func (s *stream) write(b []byte) (written int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.done || s.deaf:
			return written, errClosed
		case s.writer.passed():
			return written, errTimeout
		}
		n := min(len(b), s.capacity-len(s.buf))
		if s.rate > 0 {
			n = min(n, packet)
			s.pass(n)
		}
		s.send(b[:n])
		b, written = b[n:], written+n
		s.changed.Broadcast()
		if len(b) == 0 {
			return written, nil
		}
		if n == 0 {
			s.changed.Wait()
		}
	}
}

// send puts bytes where they are read, now or when they have come all the way.
func (s *stream) send(b []byte) {
	if s.way == 0 {
		s.buf = append(s.buf, b...)
		return
	}
	s.underway = append(s.underway, bytes.Clone(b))
	time.AfterFunc(s.way, s.arrive)
}

// arrive is the end of the way for the bytes that were sent first.
func (s *stream) arrive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buf = append(s.buf, s.underway[0]...)
	s.underway = s.underway[1:]
	s.changed.Broadcast()
}

// packet is what a throttled stream passes at once.
const packet = 1400

// pass takes the time that n bytes take, without the mutex.
func (s *stream) pass(n int) {
	s.mu.Unlock()
	defer s.mu.Lock()
	<-time.After(time.Duration(n) * time.Second / time.Duration(s.rate))
}

// closeReader drops what is buffered: nobody reads it any more, and a writer that waits for room is told.
func (s *stream) closeReader() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deaf, s.buf = true, nil
	s.reader.stop()
	s.changed.Broadcast()
}

// closeWriter lets the reader have what is buffered or underway, and then io.EOF.
func (s *stream) closeWriter() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = true
	s.writer.stop()
	s.changed.Broadcast()
}

// deadline bounds one side of a stream. It is guarded by the stream's mutex.
type deadline struct {
	at    time.Time
	timer *time.Timer
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
	}
}

func (d *deadline) set(s *stream, t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d.stop()
	d.at = t
	if !t.IsZero() {
		d.timer = time.AfterFunc(time.Until(t), s.look)
	}
	s.changed.Broadcast()
}

// look makes everybody who waits look at the deadlines.
func (s *stream) look() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changed.Broadcast()
}
