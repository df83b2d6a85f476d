package ingress

import (
	"context"
	"encoding/binary"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Body is the body of a request under two rules that connecthttp does not keep: a message that is announced
// larger than the limit ends the request at once, not after it was read and thrown away; and the body of a call with one
// request message must keep coming.
type Body struct {
	io.ReadCloser
	limit int // of a message, in bytes

	framed bool // messages have a prefix of one flag byte and four of length
	prefix [5]byte
	have   int    // bytes of the prefix so far
	left   uint32 // bytes of the message to come
	over   bool

	ended atomic.Bool // a read has returned an error, the end of the body too: none waits for the client any more

	// mu orders the alarm with the end of the request, after which its response writer must not be touched.
	mu       sync.Mutex
	w        http.ResponseWriter // nil from then on
	patience time.Duration       // 0 when the body may take its time
	alarm    *time.Timer         // runs from the first read that waits; nil when none is set
	// since is when a read began to wait for the client, zero when none does: what a client does while nobody reads is no
	// reason to end a long answer.
	since time.Time
}

// GuardBody returns a copy of a request, with a context, whose body is under guard. Its Done must be called when the request
// has been served. hurry is whether the body must keep coming.
//
// The request itself stays as it is: by the body that the server gave it, net/http knows what it has to read on, or to give up,
// before the connection can take the next request. With another one over HTTP/1.1, an answer that comes before the end of
// the request may be lost, or what is left of the request be taken for the next one.
func (p *Port) GuardBody(ctx context.Context, w http.ResponseWriter, r *http.Request, hurry bool) (*http.Request, *Body) {
	r = r.WithContext(ctx)
	b := &Body{ReadCloser: r.Body, w: w, limit: p.limits.RequestBytes, framed: isFramed(r.Header.Get("Content-Type"))}
	b.over = !b.framed && r.ContentLength > int64(b.limit) // the body is the message
	if hurry && r.Body != http.NoBody {
		b.patience = p.limits.BodyTimeout
	}
	r.Body = b
	return r, b
}

// Read reads what there is of the body. It is for one goroutine, as that of any body.
func (b *Body) Read(p []byte) (int, error) {
	if b.over {
		return 0, &http.MaxBytesError{Limit: int64(b.limit)}
	}
	b.wait(true)
	n, err := b.ReadCloser.Read(p)
	b.wait(false)
	if err != nil {
		b.ended.Store(true)
	}
	if b.framed {
		b.scan(p[:n])
	}
	return n, err
}

// wait begins or ends to wait for the client. The alarm is not stopped in between: most bodies are there at once.
func (b *Body) wait(begin bool) {
	if b.patience == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !begin {
		b.since = time.Time{}
		return
	}
	b.since = time.Now()
	if b.alarm == nil {
		b.alarm = time.AfterFunc(b.patience, b.ring)
	}
}

// scan follows the prefixes of the messages in what was read.
func (b *Body) scan(data []byte) {
	for len(data) > 0 {
		if b.left > 0 {
			skipped := min(len(data), int(b.left))
			b.left -= uint32(skipped)
			data = data[skipped:]
			continue
		}
		n := copy(b.prefix[b.have:], data)
		b.have += n
		data = data[n:]
		if b.have < len(b.prefix) {
			return
		}
		b.have, b.left = 0, binary.BigEndian.Uint32(b.prefix[1:])
		if int64(b.left) > int64(b.limit) {
			b.over = true
			return
		}
	}
}

// ring ends a read that waits for a client which has stopped sending, or looks again when the present one has waited
// long enough.
func (b *Body) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch left := b.patience - time.Since(b.since); {
	case b.w == nil:
	case b.since.IsZero():
		b.alarm = nil
	case left > 0:
		b.alarm.Reset(left)
	default:
		b.interrupt()
	}
}

// StopReceiving ends a read that waits for a client which has nothing to say any more. It is for the goroutine that answers the
// request, before it does.
func (b *Body) StopReceiving() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.w != nil && !b.ended.Load() {
		b.interrupt()
	}
}

// interrupt ends a read that waits, if that can be; else the client's end of the request ends it. Over HTTP/1.1 it is
// the last request of its connection: a read of net/http that looks for the next one may be the one that fails, and then
// every later request would be taken for one whose client is gone. The server is told so in the one way there is, as
// [http.MaxBytesReader] does it. Then it also waits a moment before it hangs up: what the client sends on would make the
// kernel reset the connection, and the answer be lost. Callers hold mu.
func (b *Body) interrupt() {
	_, _ = http.MaxBytesReader(bare(b.w), io.NopCloser(strings.NewReader("x")), 0).Read(make([]byte, 1))
	_ = http.NewResponseController(b.w).SetReadDeadline(time.Unix(1, 0))
}

// bare is the server's own response writer.
func bare(w http.ResponseWriter) http.ResponseWriter {
	for {
		wrapper, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = wrapper.Unwrap()
	}
}

// Done ends the guard, before the server takes the response writer back.
func (b *Body) Done() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.w = nil
	if b.alarm != nil {
		b.alarm.Stop()
	}
}
