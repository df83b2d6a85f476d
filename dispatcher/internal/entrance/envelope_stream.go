package entrance

import (
	"fmt"
	"io"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher/internal/call"
	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	"github.com/collectiverpc/collective/dispatcher/internal/payload"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
	"github.com/collectiverpc/collective/mesh"
)

// envelopeStream is the [connect.ServerStream] of a unary method that is called with an Any and answers with one. A handler here
// gets its message, a peer the bytes of it.
// It belongs to one call and one goroutine, since a unary method receives and then sends. There are no frames behind it:
// the answer is kept until the RPC of the envelope returns it.
type envelopeStream struct {
	request       *call.Request
	input, output string // full names of the messages of the method
	limit         int    // of the answer, in bytes
	in            *anypb.Any
	received      bool
	out           *anypb.Any // nil until the handler has answered
}

// envelopeOverhead is room for what a response has beside its output.
// In bytes: status, route and ids are far smaller, and the response as a whole must fit into a message.
const envelopeOverhead = 4 << 10

// newEnvelopeStream is the stream of a decided call with an input, once that is checked. It fills the spec of the request. To a
// seed peer, and for a method of which no catalog tells, the input goes as the Any that it came as.
// The request must not be changed while the stream is used.
func newEnvelopeStream(r *call.Request, in *anypb.Any, limit int) (*envelopeStream, *refusal.Refusal) {
	s := &envelopeStream{request: r, in: in, limit: limit, input: hosted.AnyType, output: hosted.AnyType}
	e := r.Decision.Entry
	if e != nil {
		if refused := admit(e, in); refused != nil {
			return nil, refused
		}
	}
	switch {
	case r.Decision.Local != nil:
		r.Spec = r.Decision.Local.Spec
	case e == nil || r.Decision.Seed:
		r.Spec = connect.Spec{Procedure: r.Procedure}
		return s, nil
	default:
		r.Spec = connect.Spec{StreamType: e.Stream, IdempotencyLevel: e.Idempotency, Procedure: e.Procedure}
	}
	s.input, s.output = e.Input, e.Output
	return s, nil
}

// admit checks what an envelope brings for a method, as far as it is known here.
// It comes before the call leaves, so that a wrong input costs nobody else anything.
func admit(e *routing.Entry, in *anypb.Any) *refusal.Refusal {
	if e.Stream != connect.StreamTypeUnary {
		return refusal.New(connect.CodeUnimplemented, mesh.ReasonNotUnary,
			refusal.Spoken(e.Procedure)+" is a streaming method; call it with a generated client at its own path")
	}
	return payload.Check(in, e.Input)
}

// Receive gives the input out once. A method that takes an Any gets it as it came, without a copy of its bytes; for a peer
// they are not decoded.
func (s *envelopeStream) Receive(msg any) error {
	if s.received {
		return io.EOF
	}
	s.received = true
	if raw, ok := msg.(*link.Raw); ok {
		return s.receiveRaw(raw)
	}
	into, ok := msg.(proto.Message)
	if !ok {
		return fmt.Errorf("%T is not a proto.Message", msg)
	}
	if packed, ok := msg.(*anypb.Any); ok && s.input == hosted.AnyType {
		packed.TypeUrl, packed.Value = s.in.GetTypeUrl(), s.in.GetValue()
		return nil
	}
	data, r := payload.Bytes(s.in, s.input)
	if r == nil {
		r = payload.Decode(data, into)
	}
	if r != nil {
		return r.Err()
	}
	return nil
}

// receiveRaw is for a peer, and fails only for an Any that does not encode.
func (s *envelopeStream) receiveRaw(raw *link.Raw) error {
	data, refused := payload.Bytes(s.in, s.input)
	if refused != nil {
		return refused.Err(s.request.Route.Executor)
	}
	raw.Data = data
	return nil
}

// sendRaw takes the answer of a peer.
// What a peer sent has passed the limit of the link, so it is not measured again.
func (s *envelopeStream) sendRaw(raw *link.Raw) (err error) {
	s.out, err = payload.Pack(raw.Data, s.output)
	if err != nil {
		return connect.NewError(connect.CodeInternal, "the answer of "+refusal.Quoted(s.request.Route.Executor)+" does not decode").WithCause(err)
	}
	return nil
}

// SendHeaders does nothing: the headers leave with the answer.
func (s *envelopeStream) SendHeaders() error { return nil }

// Send refuses an answer that would not fit into the response of the RPC. The handler has run by then, and the refusal says
// so.
func (s *envelopeStream) Send(msg any) error {
	if s.out != nil {
		return connect.NewError(connect.CodeInternal, "a unary response has one message")
	}
	if raw, ok := msg.(*link.Raw); ok {
		return s.sendRaw(raw)
	}
	message, ok := msg.(proto.Message)
	if !ok {
		return fmt.Errorf("%T is not a proto.Message", msg)
	}
	out, err := s.pack(message)
	if err != nil {
		return connect.NewError(connect.CodeInternal, "marshal message: "+err.Error()).WithCause(err)
	}
	if len(out.GetValue()) > s.limit {
		r := refusal.New(connect.CodeResourceExhausted, mesh.ReasonTooLarge,
			fmt.Sprintf("the answer has %d bytes, at most %d fit; use a streaming method", len(out.GetValue()), s.limit))
		r.MaybeExecuted = true
		return r.Err()
	}
	s.out = out
	return nil
}

// pack encodes at once: the handler may change its message after Send.
func (s *envelopeStream) pack(message proto.Message) (*anypb.Any, error) {
	if packed, ok := message.(*anypb.Any); ok && s.output == hosted.AnyType {
		return &anypb.Any{TypeUrl: packed.GetTypeUrl(), Value: packed.GetValue()}, nil
	}
	data, err := proto.Marshal(message)
	if err != nil {
		return nil, err
	}
	return payload.Pack(data, s.output)
}
