package differential

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"

	conformancev1 "github.com/collectiverpc/collective/internal/conformance/gen/connectrpc/conformance/v1"
)

// trace is what a client saw of a call.
type trace struct {
	Messages        []string // their digests
	Code            connect.Code
	Text            string
	Details         []string
	Header, Trailer map[string][]string // those that the handler sets
	Unsent          bool                // a message that the handler did not wait for
	HTTP            *exchange           // nil where there is none
}

// exchange is an HTTP response, as it was on the wire.
type exchange struct {
	Status          int
	Proto           string
	Length          int64
	Header, Trailer http.Header
	Body            string // its digest

	mu   sync.Mutex
	body hash.Hash // guarded by mu
	size int
	res  *http.Response
}

// exchangeKey is how recorder finds where to write what it sees.
type exchangeKey struct{}

// recorder keeps the responses of calls.
type recorder struct{ http.RoundTripper }

func (r recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := r.RoundTripper.RoundTrip(req)
	if e, ok := req.Context().Value(exchangeKey{}).(*exchange); ok && err == nil {
		e.res, e.body = res, sha256.New()
		e.Status, e.Proto, e.Length, e.Header = res.StatusCode, res.Proto, res.ContentLength, res.Header.Clone()
		res.Body = &recordedBody{res.Body, e}
	}
	return res, err
}

type recordedBody struct {
	io.ReadCloser
	to *exchange
}

func (b *recordedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.to.mu.Lock()
	defer b.to.mu.Unlock()
	b.to.body.Write(p[:n])
	b.to.size += n
	return n, err
}

// finish writes down what is known when the call is over, without what may differ: the date, and what the mesh says of
// the route.
func (e *exchange) finish() {
	if e.res == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.Body = fmt.Sprintf("%d %x", e.size, e.body.Sum(nil))
	e.Trailer = e.res.Trailer.Clone()
	maps.DeleteFunc(e.Header, func(name string, _ []string) bool {
		return name == "Date" || strings.HasPrefix(name, "Collective-")
	})
}

// carryOut makes the call of a plan over a transport.
func carryOut(ctx context.Context, p *plan, transport connect.Transport, overHTTP bool) *trace {
	t := new(trace)
	if overHTTP {
		t.HTTP = new(exchange)
		ctx = context.WithValue(ctx, exchangeKey{}, t.HTTP)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ctx, info := connect.NewClientContext(ctx)
	for name, values := range p.header.All() {
		info.RequestHeader().SetValues(name, values)
	}
	stream, err := transport.NewClientStream(ctx, p.spec)
	if err == nil {
		err = t.converse(p, stream)
		_ = stream.Close()
	}
	t.end(err)
	t.Header, t.Trailer = applied(info.ResponseHeader()), applied(info.ResponseTrailer())
	if t.HTTP == nil {
		return t
	}
	t.HTTP.finish()
	if t.HTTP.Header["Grpc-Status"] != nil {
		t.Header = nil // trailers only: connect shows them as headers too
	}
	return t
}

// converse sends the requests and receives the answers, until the end of the call: in turn, or both at once, since a
// handler that nobody reads may stop reading too.
func (t *trace) converse(p *plan, stream connect.ClientStream) error {
	if !p.alternate {
		var sender sync.WaitGroup
		defer sender.Wait()
		sender.Go(func() { _ = send(p, stream, func() error { return nil }) }) // receiving tells how it ended
		return t.receiveAll(p, stream)
	}
	if err := send(p, stream, func() error { return t.receive(p, stream) }); err != nil {
		return err
	}
	return t.receiveAll(p, stream)
}

// send sends the requests until the call is over, and does then after each.
func send(p *plan, stream connect.ClientStream, then func() error) error {
	for _, req := range p.requests {
		if stream.Send(req) != nil {
			break // the call is over; receiving tells how
		}
		if err := then(); err != nil {
			return err
		}
	}
	_ = stream.CloseSend()
	return nil
}

func (t *trace) receiveAll(p *plan, stream connect.ClientStream) error {
	for {
		if err := t.receive(p, stream); err != nil {
			return err
		}
	}
}

func (t *trace) receive(p *plan, stream connect.ClientStream) error {
	message := p.response()
	if err := stream.Receive(message); err != nil {
		return err
	}
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(message)
	t.Messages = append(t.Messages, fmt.Sprintf("%d %x", len(data), sha256.Sum256(data)))
	return err
}

// response is an empty answer.
func (p *plan) response() proto.Message {
	switch p.method() {
	case "Unary":
		return new(conformancev1.UnaryResponse)
	case "IdempotentUnary":
		return new(conformancev1.IdempotentUnaryResponse)
	case "ServerStream":
		return new(conformancev1.ServerStreamResponse)
	case "ClientStream":
		return new(conformancev1.ClientStreamResponse)
	default:
		return new(conformancev1.BidiStreamResponse)
	}
}

// end writes down how the call ended.
func (t *trace) end(err error) {
	if errors.Is(err, io.EOF) {
		return
	}
	t.Code, t.Text = connect.CodeOf(err), err.Error()
	verdict, ok := errors.AsType[*connect.Error](err)
	if !ok {
		return
	}
	t.Text = verdict.Message()
	for _, detail := range verdict.Details() {
		t.Details = append(t.Details, fmt.Sprintf("%s %x", detail.Type, detail.Value))
	}
}

// applied are the headers that belong to the application.
func applied(h *connect.Header) map[string][]string {
	kept := make(map[string][]string)
	for name, values := range h.All() {
		if strings.HasPrefix(name, "X-") {
			kept[name] = values
		}
	}
	return kept
}
