package exchange

import (
	"bufio"
	"net"
	"net/http"
	"time"
)

// answer is the response writer of an exchange.
type answer struct {
	http.ResponseWriter
	e       *watch
	written int  // bytes
	pending bool // some were written behind the last flush
}

// piece is how much of an answer is written at once: each has the same time to be taken, so that who is slow and goes on is
// not taken for stuck.
const piece = 32 << 10

// Unwrap is for [http.ResponseController].
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answer) Write(data []byte) (written int, err error) {
	if len(data) > piece {
		if err := a.e.take(int64(len(data))); err != nil {
			return 0, err
		}
		defer a.e.give(int64(len(data)))
	}
	a.pending = true
	a.written += len(data)
	for len(data) > piece && err == nil {
		var n int
		n, err = a.piece(data[:piece])
		written += n
		data = data[n:]
	}
	if err != nil {
		return written, err
	}
	n, err := a.piece(data)
	return written + n, err
}

func (a *answer) piece(data []byte) (int, error) {
	defer a.done(a.begin())
	return a.ResponseWriter.Write(data)
}

// Flush is what connect looks for.
func (a *answer) Flush() { _ = a.FlushError() }

// FlushError writes what has not been written.
func (a *answer) FlushError() error {
	a.pending = false
	defer a.done(a.begin())
	return http.NewResponseController(a.ResponseWriter).Flush()
}

// Hijack takes the connection away from the server. What it is used for has watches of its own.
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(a.ResponseWriter).Hijack()
	if err == nil {
		a.e.hijacked = true
		if a.e.conn != nil {
			a.e.conn.Hijacked()
		}
	}
	return conn, buffered, err
}

// begin and done surround what may wait for the client to take something, or over HTTP/1.1 to send the rest of the request.
func (a *answer) begin() (rests bool) {
	e := a.e
	if rests = e.rests(); rests {
		e.bound()
	}
	e.writing.Store(clock())
	e.arm(e.rules.Answer)
	if e.conn != nil {
		e.conn.Wait()
	}
	return rests
}

func (a *answer) done(rested bool) {
	e := a.e
	e.writing.Store(0)
	if e.conn != nil {
		e.conn.Went()
	}
	if rested && !e.stopped.Load() {
		_ = http.NewResponseController(a.ResponseWriter).SetReadDeadline(time.Time{})
	}
}

// finish writes the end of an answer over HTTP/2 while it is watched, when it may wait: what the handler leaves to the server
// is written after that, with nobody to end it.
func (a *answer) finish() {
	if a.pending && (a.written > tight || a.e.conn != nil && a.e.conn.Tight()) {
		_ = a.FlushError()
	}
}

// tight is how much of an answer any client takes at once: the smallest window of those that do not mean to be stuck.
const tight = 16 << 10
