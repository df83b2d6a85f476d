package dispatcher

import (
	"fmt"
	"io"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/mesh"
)

// envelopeStream is the [connect.ServerStream] of a unary handler that is called with an Any and answers with one.
type envelopeStream struct {
	method   *hosted.Method
	limit    int // of the answer, in bytes
	in       *anypb.Any
	received bool
	out      *anypb.Any // nil until the handler has answered
}

func (s *envelopeStream) Receive(msg any) error {
	if s.received {
		return io.EOF
	}
	s.received = true
	into, ok := msg.(proto.Message)
	if !ok {
		return fmt.Errorf("%T is not a proto.Message", msg)
	}
	if packed, ok := msg.(*anypb.Any); ok && s.method.Input == hosted.AnyType {
		packed.TypeUrl, packed.Value = s.in.GetTypeUrl(), s.in.GetValue()
		return nil
	}
	data, r := inputBytes(s.in, s.method.Input)
	if r == nil {
		r = decode(data, into)
	}
	if r != nil {
		return r.Err()
	}
	return nil
}

// SendHeaders does nothing: the headers leave with the answer.
func (s *envelopeStream) SendHeaders() error { return nil }

func (s *envelopeStream) Send(msg any) error {
	if s.out != nil {
		return connect.NewError(connect.CodeInternal, "a unary response has one message")
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
	if packed, ok := message.(*anypb.Any); ok && s.method.Output == hosted.AnyType {
		return &anypb.Any{TypeUrl: packed.GetTypeUrl(), Value: packed.GetValue()}, nil
	}
	data, err := proto.Marshal(message)
	if err != nil {
		return nil, err
	}
	return outputAny(data, s.method.Output)
}
