package payload

import (
	"errors"
	"strings"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/collectiverpc/collective/dispatcher/internal/codec"
	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/internal/descriptor"
	"github.com/collectiverpc/collective/mesh"
)

// typeURLPrefix is what Any has before a type name by convention. Bare names are taken as well.
const typeURLPrefix = "type.googleapis.com/"

// MessageName is the full name of the message in an Any; the zero Any has none.
// Whatever stands before the last slash is ignored, as the convention has it: nothing is ever fetched from there.
func MessageName(in *anypb.Any) (string, *refusal.Refusal) {
	if in.GetTypeUrl() == "" && len(in.GetValue()) == 0 {
		return "", nil
	}
	url := in.GetTypeUrl()
	name := url[strings.LastIndexByte(url, '/')+1:]
	if !protoreflect.FullName(name).IsValid() {
		return "", refusal.New(connect.CodeInvalidArgument, mesh.ReasonInputMalformed,
			"the input's type_url "+refusal.Quoted(url)+" names no message type; want "+typeURLPrefix+"package.Message")
	}
	return name, nil
}

// Check refuses an input that is not the request message of a method. No input stands for the empty message.
// It compares names alone, so that calls are refused before anything is decoded; whether the bytes fit is found where the
// method runs.
func Check(in *anypb.Any, want string) *refusal.Refusal {
	has, r := MessageName(in)
	switch {
	case r != nil:
		return r
	case want == hosted.AnyType || has == "" || has == want:
		return nil
	}
	return refusal.New(connect.CodeInvalidArgument, mesh.ReasonInputType, "the input is a "+refusal.Quoted(has)+", the method takes a "+refusal.Quoted(want))
}

// Bytes is the encoded request message of a method: the value of the Any, or the Any itself where the method
// takes one.
// The bytes are the caller's own and not copied.
func Bytes(in *anypb.Any, want string) ([]byte, *refusal.Refusal) {
	if want != hosted.AnyType {
		return in.GetValue(), nil
	}
	data, err := proto.Marshal(in)
	if err != nil {
		return nil, malformed(err)
	}
	return data, nil
}

// Pack packs an encoded response message of a type, or is the Any that the method itself answers.
// The error is that of an answer which is no Any, from a handler or a peer. The Any keeps data.
func Pack(data []byte, messageType string) (*anypb.Any, error) {
	if messageType != hosted.AnyType {
		return &anypb.Any{TypeUrl: typeURLPrefix + messageType, Value: data}, nil
	}
	out := new(anypb.Any)
	if err := (proto.UnmarshalOptions{RecursionLimit: codec.MaxDepth}).Unmarshal(data, out); err != nil {
		return nil, err
	}
	return out, nil
}

// Unpack decodes an Any into a message of a type that is linked in, or one of more.
// more is called only for a type that is not linked in, since it may have to gather a namespace. Types of generated code
// come first, so that handlers get the Go types that they know. The types that knew the message are also those of what is
// nested in an Any of it.
func Unpack(in *anypb.Any, more func() descriptor.Resolver) (proto.Message, *refusal.Refusal) {
	name, r := MessageName(in)
	if r != nil {
		return nil, r
	}
	var types descriptor.Resolver = protoregistry.GlobalTypes
	kind, err := types.FindMessageByName(protoreflect.FullName(name))
	if errors.Is(err, protoregistry.NotFound) {
		types = more()
		kind, err = types.FindMessageByName(protoreflect.FullName(name))
	}
	if errors.Is(err, protoregistry.NotFound) {
		return nil, refusal.New(connect.CodeInvalidArgument, mesh.ReasonInputType,
			"the input is a "+refusal.Quoted(name)+", which the handler's process does not know")
	}
	if err != nil {
		return nil, malformed(err)
	}
	message := kind.New().Interface()
	return message, decodeWith(types, in.GetValue(), message)
}

// Decode decodes a message, with the types that are linked in.
// It is for a message whose type the caller has chosen, whatever an Any says.
func Decode(data []byte, into proto.Message) *refusal.Refusal {
	return decodeWith(protoregistry.GlobalTypes, data, into)
}

// decodeWith bounds the depth, which a few bytes for each level could otherwise make exhaust the stack.
func decodeWith(types descriptor.Resolver, data []byte, into proto.Message) *refusal.Refusal {
	if err := (proto.UnmarshalOptions{Resolver: types, RecursionLimit: codec.MaxDepth}).Unmarshal(data, into); err != nil {
		return malformed(err)
	}
	return nil
}

// malformed refuses what the caller sent; the cause stays for the log.
func malformed(err error) *refusal.Refusal {
	r := refusal.New(connect.CodeInvalidArgument, mesh.ReasonInputMalformed, "the input does not decode: "+err.Error())
	r.Cause = err
	return r
}
