package ingress

import (
	"encoding/binary"
	"io"
	"net/http"
	"sync"
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

	// mu orders the alarm with the end of the request, after which its response controller must not be touched.
	mu         sync.Mutex
	controller *http.ResponseController
	patience   time.Duration // 0 when the body may take its time
	alarm      *time.Timer   // runs from the first read that waits; nil when none is set
	// since is when a read began to wait for the client, zero when none does: what a client does while nobody reads is no
	// reason to end a long answer.
	since time.Time
}

// GuardBody puts a request's body under guard. Its Done must be called when the request has been served. hurry is
// whether the body must keep coming.
func (p *Port) GuardBody(w http.ResponseWriter, r *http.Request, hurry bool) *Body {
	b := &Body{ReadCloser: r.Body, limit: p.limits.RequestBytes, framed: isFramed(r.Header.Get("Content-Type"))}
	b.over = !b.framed && r.ContentLength > int64(b.limit) // the body is the message
	if hurry && r.Body != http.NoBody {
		b.controller, b.patience = http.NewResponseController(w), p.limits.BodyTimeout
	}
	r.Body = b
	return b
}

// Read reads what there is of the body. It is for one goroutine, as that of any body.
func (b *Body) Read(p []byte) (int, error) {
	if b.over {
		return 0, &http.MaxBytesError{Limit: int64(b.limit)}
	}
	b.wait(true)
	n, err := b.ReadCloser.Read(p)
	b.wait(false)
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
	case b.controller == nil:
	case b.since.IsZero():
		b.alarm = nil
	case left > 0:
		b.alarm.Reset(left)
	default:
		_ = b.controller.SetReadDeadline(time.Unix(1, 0))
	}
}

// Done ends the guard, before the server takes the response writer back.
func (b *Body) Done() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.controller = nil
	if b.alarm != nil {
		b.alarm.Stop()
	}
}
