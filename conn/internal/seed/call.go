package seed

import (
	"context"
	"fmt"
	"io"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/internal/name"
	"github.com/collectiverpc/collective/internal/status"
)

// server runs the packed calls.
// It is all that a call needs of its path.
type server interface {
	serve(ctx context.Context, req *collector.ServeRequest) (*collector.ServeResponse, error)
}

// call is a unary call packed into Serve. Its messages are those of the method that call.Spec.Schema describes;
// without a schema, or if that says google.protobuf.Any, they are the Any of the envelope itself.
// Nothing leaves before Receive, so a call that is only opened and sent costs the peer nothing. One goroutine uses it.
type call struct {
	ctx      context.Context //nolint:containedctx // the stream lives as long as the call
	peer     string
	server   server
	codec    string
	input    protoreflect.MessageDescriptor // nil: an Any
	output   protoreflect.MessageDescriptor
	request  *collector.ServeRequest
	answered bool
}

// newCall refuses what the seed's protocol cannot carry: streams, and messages in a codec that cannot be translated for want
// of a schema. Nothing is sent for such a call.
func newCall(ctx context.Context, peer string, server server, of link.Call) (*call, error) {
	if of.Spec.StreamType != connect.StreamTypeUnary {
		return nil, connect.Errorf(connect.CodeUnimplemented,
			"collector %q speaks only the seed's protocol, which has no %s streams", peer, of.Spec.StreamType)
	}
	service, method, err := name.SplitProcedure(of.Spec.Procedure)
	if err != nil {
		return nil, connect.NewError(connect.CodeInvalidArgument, err.Error()).WithCause(err)
	}
	c := &call{ctx: ctx, peer: peer, server: server, codec: of.Codec, request: &collector.ServeRequest{
		Namespace:  of.Namespace,
		Service:    &collector.ServiceTypeRef{Namespace: of.Namespace, ServiceName: service},
		MethodName: method,
	}}
	c.input, c.output = schemaOf(of.Spec)
	if c.codec != "" && c.codec != connect.CodecNameProto && (c.codec != connect.CodecNameJSON || c.input == nil || c.output == nil) {
		return nil, connect.Errorf(connect.CodeUnimplemented,
			"collector %q speaks only the seed's protocol, which has no messages in codec %q: send binary protobuf", peer, c.codec)
	}
	return c, nil
}

// schemaOf is what the messages of a method are; nil for those that are an Any.
func schemaOf(spec connect.Spec) (input, output protoreflect.MessageDescriptor) {
	method, ok := spec.Schema.(protoreflect.MethodDescriptor)
	if !ok {
		return nil, nil
	}
	return unlessAny(method.Input()), unlessAny(method.Output())
}

// unlessAny leaves out the type that needs no envelope of its own.
func unlessAny(d protoreflect.MessageDescriptor) protoreflect.MessageDescriptor {
	if d.FullName() == "google.protobuf.Any" {
		return nil
	}
	return d
}

// SendHeaders does nothing: headers travel in the envelope, with the message.
func (c *call) SendHeaders() error { return nil }

// Send packs the message; it leaves with Receive. The bytes of a [link.Raw] are not copied and must not change until then.
func (c *call) Send(msg any) error {
	packed, err := c.pack(msg)
	if err != nil {
		return connect.Errorf(connect.CodeInvalidArgument, "the request cannot be put into an Any: %v", err).WithCause(err)
	}
	c.request.Input = packed
	if info, ok := connect.CallInfoForClientContext(c.ctx); ok {
		c.request.ExecutionContext = firstValues(info.RequestHeader())
	}
	return nil
}

func (c *call) CloseSend() error { return nil }

// Receive makes the call.
func (c *call) Receive(msg any) error {
	if c.answered {
		return io.EOF
	}
	c.answered = true
	// The envelope is a call of its own: it must not send this call's headers, nor answer into its CallInfo.
	ctx, _ := connect.NewClientContext(c.ctx)
	answer, err := c.server.serve(ctx, c.request)
	if err != nil {
		return err
	}
	if err := status.Err(answer.GetStatus()); err != nil {
		return err
	}
	if err := c.unpack(answer.GetOutput(), msg); err != nil {
		return connect.Errorf(connect.CodeInternal, "collector %q answered with another message: %v", c.peer, err).WithCause(err)
	}
	return nil
}

func (c *call) Close() error { return nil }

// pack puts a request into an Any, whichever way the caller has it.
func (c *call) pack(msg any) (*anypb.Any, error) {
	switch msg := msg.(type) {
	case *link.Raw:
		return c.packRaw(msg.Data)
	case *anypb.Any:
		return msg, nil
	case proto.Message:
		return anypb.New(msg)
	}
	return nil, fmt.Errorf("%T is not a message", msg)
}

// packRaw packs bytes as they came: binary ones are not decoded, JSON is turned into binary by the schema.
func (c *call) packRaw(data []byte) (*anypb.Any, error) {
	if c.input == nil {
		packed := new(anypb.Any)
		return packed, proto.Unmarshal(data, packed)
	}
	if c.codec == connect.CodecNameJSON {
		msg := dynamicpb.NewMessage(c.input)
		if err := protojson.Unmarshal(data, msg); err != nil {
			return nil, err
		}
		return anypb.New(msg)
	}
	return &anypb.Any{TypeUrl: "type.googleapis.com/" + string(c.input.FullName()), Value: data}, nil
}

// unpack is pack for the answer. It refuses an answer of another type: the peer may have another schema.
func (c *call) unpack(packed *anypb.Any, into any) error {
	switch into := into.(type) {
	case *link.Raw:
		data, err := c.unpackRaw(packed)
		into.Data = data
		return err
	case *anypb.Any:
		proto.Merge(into, packed)
		return nil
	case proto.Message:
		return packed.UnmarshalTo(into)
	}
	return fmt.Errorf("%T is not a message", into)
}

// unpackRaw checks the type although the bytes go on undecoded: their reader would take them for another message.
func (c *call) unpackRaw(packed *anypb.Any) ([]byte, error) {
	if c.output == nil {
		return proto.Marshal(packed)
	}
	if packed.MessageName() != c.output.FullName() {
		return nil, fmt.Errorf("%q instead of %s", packed.MessageName(), c.output.FullName())
	}
	if c.codec != connect.CodecNameJSON {
		return packed.GetValue(), nil
	}
	msg := dynamicpb.NewMessage(c.output)
	if err := proto.Unmarshal(packed.GetValue(), msg); err != nil {
		return nil, err
	}
	return protojson.Marshal(msg)
}

// firstValues is all that the envelope has room for: one value of each header.
func firstValues(header *connect.Header) map[string]string {
	if header.Len() == 0 {
		return nil
	}
	values := make(map[string]string, header.Len())
	for key, all := range header.All() {
		if len(all) > 0 {
			values[key] = all[0]
		}
	}
	return values
}
