package call

import (
	"bytes"
	"context"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher/internal/codec"
	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	"github.com/collectiverpc/collective/internal/descriptor"
)

// openStream is the stream of a method whose messages may hold what its schema does not name: extensions, and what an
// Any holds. Their types are those of the method's own files and of its namespace; codecs know those only that are
// linked into the program. Methods of other messages, which are most, run without it.
type openStream struct {
	connect.ServerStream
	methods *hosted.Set
	method  *hosted.Method
	json    bool // how the client writes and reads messages
}

// opened puts an openStream around the stream of a method that needs one.
func opened(methods *hosted.Set, m *hosted.Method, info *connect.CallInfo, stream connect.ServerStream) connect.ServerStream {
	if !m.Open {
		return stream
	}
	return &openStream{ServerStream: stream, methods: methods, method: m, json: info.Codec == connect.CodecNameJSON}
}

// Receive decodes JSON itself, since connect's codec would refuse what it does not know. Of binary messages only dynamic
// ones are decoded again: generated code keeps what it does not know and passes it on.
func (s *openStream) Receive(msg any) error {
	message, ok := msg.(proto.Message)
	switch {
	case !ok:
		return s.ServerStream.Receive(msg)
	case s.json:
		return s.receiveJSON(message)
	}
	if err := s.ServerStream.Receive(msg); err != nil {
		return err
	}
	if isDynamic(message) && hasUnknown(message.ProtoReflect()) {
		return unmarshalError(understand(message, message, s.resolver(message)))
	}
	return nil
}

func (s *openStream) receiveJSON(message proto.Message) error {
	raw := new(link.Raw)
	if err := s.ServerStream.Receive(raw); err != nil {
		return err
	}
	return unmarshalError(codec.JSON(s.resolver(message)).UnmarshalRead(context.Background(), bytes.NewReader(raw.Data), message))
}

// unmarshalError words the failure to decode a message as connect does.
func unmarshalError(err error) error {
	if err == nil {
		return nil
	}
	return connect.Errorf(connect.CodeInvalidArgument, "unmarshal message: %s", err).WithCause(err)
}

// Send encodes only JSON itself: in binary, unknown fields are written as they came.
func (s *openStream) Send(msg any) error {
	message, ok := msg.(proto.Message)
	if !ok || !s.json {
		return s.ServerStream.Send(msg)
	}
	data, err := s.marshalJSON(message)
	if err != nil {
		return connect.Errorf(connect.CodeInternal, "marshal message: %s", err).WithCause(err)
	}
	return s.ServerStream.Send(&link.Raw{Data: data})
}

func (s *openStream) marshalJSON(message proto.Message) ([]byte, error) {
	types := s.resolver(message)
	if isDynamic(message) && hasUnknown(message.ProtoReflect()) { // the handler's message stays as it is
		known := message.ProtoReflect().New().Interface()
		if err := understand(known, message, types); err != nil {
			return nil, err
		}
		message = known
	}
	return codec.JSON(types).MarshalOptions.Marshal(message)
}

// resolver has the types of messages like one: a handler with generated code expects those of generated code first.
func (s *openStream) resolver(message proto.Message) descriptor.Resolver {
	return typesOf(s.methods, s.method, isDynamic(message))
}

func isDynamic(message proto.Message) bool {
	_, dynamic := message.(*dynamicpb.Message)
	return dynamic
}

// hasUnknown reports whether a message has fields that are not known, at any depth.
func hasUnknown(message protoreflect.Message) (found bool) {
	if len(message.GetUnknown()) > 0 {
		return true
	}
	message.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		descriptor.EachMessage(field, value, func(child protoreflect.Message) { found = found || hasUnknown(child) })
		return !found
	})
	return found
}

// understand makes one message equal to another, or to itself, with those of its fields known that types has.
func understand(to, from proto.Message, types descriptor.Resolver) error {
	data, err := proto.MarshalOptions{AllowPartial: true}.Marshal(from)
	if err != nil {
		return err
	}
	return proto.UnmarshalOptions{Resolver: types, RecursionLimit: codec.MaxDepth}.Unmarshal(data, to)
}

// typesOf are the types of a method that runs here: of its own files, of its namespace, and those linked into the
// program, which come first if the handler's messages are generated code.
func typesOf(methods *hosted.Set, m *hosted.Method, dynamic bool) descriptor.Resolver {
	current := methods.Snapshot()
	own := current.Files.TypesIn(m.Schema.ParentFile())
	if dynamic {
		return descriptor.Chain{own, current.TypesIn(m.Namespace), protoregistry.GlobalTypes}
	}
	return descriptor.Chain{protoregistry.GlobalTypes, own, current.TypesIn(m.Namespace)}
}
