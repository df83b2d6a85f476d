package exchange

import (
	"io"
	"net/http"
	"time"
)

// Exchange is one request and its answer.
type Exchange struct {
	watch
	body   Body
	behind *Body // what was made of it; nil for nothing
	writer writer
}

// writer is how an exchange is found again.
type writer struct {
	answer
	exchange *Exchange
}

// Handler watches the exchanges of a handler, unless somebody around it does already.
func (r *Rules) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if Of(w) != nil {
			next.ServeHTTP(w, request)
			return
		}
		e, request := r.begin(w, request)
		defer e.end()
		next.ServeHTTP(&e.writer, request)
		e.finish()
	})
}

// Of finds the exchange that a response writer belongs to; nil if it is not watched.
func Of(w http.ResponseWriter) *Exchange {
	for {
		if own, ok := w.(*writer); ok {
			return own.exchange
		}
		wrapper, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return nil
		}
		w = wrapper.Unwrap()
	}
}

// begin returns the exchange of a request, and the request with a body that is watched.
//
// Over HTTP/1.1 the request itself stays as it is: by the body that the server gave it, net/http knows what it has to read on,
// or to give up, before the connection can take the next request. With another one an answer that comes before the end of the
// request may be lost, or what is left of the request be taken for the next one. Over HTTP/2 it does not look again.
func (r *Rules) begin(w http.ResponseWriter, request *http.Request) (*Exchange, *http.Request) {
	e := &Exchange{watch: watch{rules: r, w: w, http1: request.ProtoMajor < 2}}
	e.writer.ResponseWriter, e.writer.e, e.writer.exchange = w, &e.watch, e
	if e.conn = r.Of(request); e.conn != nil {
		e.conn.Begin()
	}
	if request.Body == nil || request.Body == http.NoBody {
		e.ended.Store(true)
		return e, request
	}
	e.hurry.Store(true)
	e.body.ReadCloser, e.body.e = request.Body, &e.watch
	if e.http1 {
		request = request.WithContext(request.Context())
	}
	request.Body = &e.body
	return e, request
}

// Hurry says whether the whole request must keep coming; else only each message of it, once it has begun. It must, until this
// is called. It is for the goroutine of the handler.
func (e *Exchange) Hurry(hurry bool) { e.hurry.Store(hurry) }

// StopReceiving ends a read that waits for a client which has nothing to say any more. It is for the goroutine that answers the
// request, before it does.
func (e *Exchange) StopReceiving() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.w != nil && !e.ended.Load() {
		e.interrupt()
	}
}

// finish bounds what the server does after the handler: it writes the rest of the answer, and over HTTP/1.1 it reads the rest
// of the request, as far as that is worth it to keep the connection.
func (e *Exchange) finish() {
	if e.hijacked {
		return
	}
	if !e.http1 {
		e.writer.finish()
		return
	}
	server := http.NewResponseController(e.w)
	_ = server.SetWriteDeadline(time.Now().Add(e.rules.Answer))
	if e.rests() {
		e.bound()
	}
}

// end ends the watch, before the server takes the response writer back.
func (e *Exchange) end() {
	unfinished := e.unfinished()
	e.mu.Lock()
	e.w = nil
	if e.alarm != nil {
		e.alarm.Stop()
	}
	e.mu.Unlock()
	e.body.release()
	if e.behind != nil {
		e.behind.release()
	}
	if e.conn != nil {
		e.conn.End(e.stuck.Load(), unfinished)
	}
}

// unfinished reports whether a request of HTTP/2 may not have come to its end. A deadline that is over lets a read see the end that
// is there, without waiting for one.
func (e *Exchange) unfinished() bool {
	if e.http1 || e.whole.Load() || e.body.ReadCloser == nil {
		return false
	}
	_ = http.NewResponseController(e.w).SetReadDeadline(past)
	_, err := e.body.ReadCloser.Read(make([]byte, 1))
	return err != io.EOF
}

// Decoded is the body of the same exchange, when what r reads was made of that.
func (e *Exchange) Decoded(r io.ReadCloser) *Body {
	e.behind = &Body{ReadCloser: r, e: &e.watch, decoded: true}
	return e.behind
}

// Body is the body of the exchange itself; nil if the request has none.
func (e *Exchange) Body() *Body {
	if e.body.e == nil {
		return nil
	}
	return &e.body
}
