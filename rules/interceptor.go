package rules

import (
	"context"
	"errors"

	"buf.build/go/protovalidate"
	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"
	"connectrpc.com/validate"
	"google.golang.org/protobuf/proto"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/mesh"
)

// NewServerInterceptor makes the interceptor to give to dispatcher.WithServerInterceptors:
//
//	d, err := dispatcher.New("orders", "127.0.0.1:50051", []string{"shop"},
//		dispatcher.WithServerInterceptors(rules.NewServerInterceptor()))
//
// Every request message of every handler of the collector is judged before the handler sees it, wherever the call came
// in: generated, dynamic and untyped handlers, unary calls and each message of a stream. The message of an untyped
// handler is judged by the rules of its Go type.
//
// A violation is answered as invalid_argument with the path of the field in its text, a buf.validate.Violations and a
// CallFailure with the reason input_invalid as details. Rules that cannot be evaluated are answered as internal.
//
// Default: requests only, and the first violation only, for a message can be made that has millions. For the options see
// connectrpc.com/validate; that package's own interceptor would fail the calls that this collector forwards.
func NewServerInterceptor(opts ...validate.Option) connect.ServerInterceptor {
	rules := judge(append([]validate.Option{validate.WithValidator(firstOnly{})}, opts...))
	return func(next connect.ServerFunc) connect.ServerFunc {
		return func(ctx context.Context, spec connect.Spec, stream connect.ServerStream) error {
			return next(ctx, spec, &ruledStream{ServerStream: stream, rules: rules, spec: spec})
		}
	}
}

// firstOnly is protovalidate's validator of the process, which stops at the first violation.
type firstOnly struct{}

func (firstOnly) Validate(message proto.Message, opts ...protovalidate.ValidationOption) error {
	return protovalidate.Validate(message, append(opts, protovalidate.WithFailFast())...)
}

// judge is the stream of connectrpc.com/validate around one that takes and has every message: what goes through it is
// judged, and nothing else happens to it.
func judge(opts []validate.Option) (rules connect.ServerStream) {
	keep := func(_ context.Context, _ connect.Spec, stream connect.ServerStream) error {
		rules = stream
		return nil
	}
	_ = validate.NewServerInterceptor(opts...)(keep)(context.Background(), connect.Spec{}, everyMessage{}) // keep's error
	return rules
}

// everyMessage is a stream on which each message is there already.
type everyMessage struct{ connect.ServerStream }

func (everyMessage) Receive(any) error { return nil }

func (everyMessage) Send(any) error { return nil }

// ruledStream judges what a handler receives and, if asked to, what it sends.
type ruledStream struct {
	connect.ServerStream
	rules connect.ServerStream
	spec  connect.Spec
}

func (s *ruledStream) Receive(msg any) error {
	if err := s.ServerStream.Receive(msg); err != nil {
		return err
	}
	message := content(s.spec, msg)
	if message == nil {
		return nil
	}
	return s.verdict(s.rules.Receive(message))
}

func (s *ruledStream) Send(msg any) error {
	if message := content(s.spec, msg); message != nil {
		if err := s.rules.Send(message); err != nil {
			return err
		}
	}
	return s.ServerStream.Send(msg)
}

// verdict tells a message that breaks a rule from a rule that does not work.
func (s *ruledStream) verdict(err error) error {
	refused, ok := errors.AsType[*connect.Error](err)
	if !ok {
		return err
	}
	if _, ok := errors.AsType[*protovalidate.ValidationError](err); !ok {
		return connect.NewError(connect.CodeInternal, "the rules of the request cannot be evaluated: "+refused.Message()).WithCause(err)
	}
	detail, err := connectproto.NewErrorDetail(&meshv1.CallFailure{
		Reason:        string(mesh.ReasonInputInvalid),
		MaybeExecuted: s.spec.StreamType&connect.StreamTypeClient != 0, // the handler has run up to this message
	})
	if err != nil {
		return refused.WithCause(err)
	}
	return refused.WithDetail(detail)
}
