package dispatcher

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
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/internal/descriptor"
	"github.com/collectiverpc/collective/mesh"
)

// typeURLPrefix is what Any has before a type name by convention. Bare names are taken as well.
const typeURLPrefix = "type.googleapis.com/"

// envelope is what Serve and Dispatch requests have in common.
type envelope interface {
	GetNamespace() string
	GetService() *collector.ServiceTypeRef
	GetMethodName() string
	GetInput() *anypb.Any
}

// checkEnvelope refuses what cannot be looked up.
func checkEnvelope(req envelope) *refusal.Refusal {
	service := req.GetService()
	if service == nil {
		return refusal.New(connect.CodeInvalidArgument, mesh.ReasonInvalidRequest, "service is not set: give its name")
	}
	if other := service.GetNamespace(); other != "" && other != req.GetNamespace() {
		return refusal.New(connect.CodeInvalidArgument, mesh.ReasonInvalidRequest,
			"the request is in namespace "+refusal.Quoted(req.GetNamespace())+" but its service is in "+refusal.Quoted(other)+": name one")
	}
	return routing.CheckNames(req.GetNamespace(), service.GetServiceName(), req.GetMethodName())
}

// messageName is the full name of the message in an Any; the zero Any has none.
func messageName(in *anypb.Any) (string, *refusal.Refusal) {
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

// checkInput refuses an input that is not the request message of a method. No input stands for the empty message.
func checkInput(in *anypb.Any, want string) *refusal.Refusal {
	has, r := messageName(in)
	switch {
	case r != nil:
		return r
	case want == hosted.AnyType || has == "" || has == want:
		return nil
	}
	return refusal.New(connect.CodeInvalidArgument, mesh.ReasonInputType, "the input is a "+refusal.Quoted(has)+", the method takes a "+refusal.Quoted(want))
}

// inputBytes is the encoded request message of a method: the value of the Any, or the Any itself where the method
// takes one.
func inputBytes(in *anypb.Any, want string) ([]byte, *refusal.Refusal) {
	if want != hosted.AnyType {
		return in.GetValue(), nil
	}
	data, err := proto.Marshal(in)
	if err != nil {
		return nil, malformed(err)
	}
	return data, nil
}

// outputAny packs an encoded response message.
func outputAny(data []byte, messageType string) (*anypb.Any, error) {
	if messageType != hosted.AnyType {
		return &anypb.Any{TypeUrl: typeURLPrefix + messageType, Value: data}, nil
	}
	out := new(anypb.Any)
	if err := (proto.UnmarshalOptions{RecursionLimit: codec.MaxDepth}).Unmarshal(data, out); err != nil {
		return nil, err
	}
	return out, nil
}

// unpack decodes an Any into a message of a type that is linked in, or one of more.
func unpack(in *anypb.Any, more func() descriptor.Resolver) (proto.Message, *refusal.Refusal) {
	name, r := messageName(in)
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

func decode(data []byte, into proto.Message) *refusal.Refusal {
	return decodeWith(protoregistry.GlobalTypes, data, into)
}

func decodeWith(types descriptor.Resolver, data []byte, into proto.Message) *refusal.Refusal {
	if err := (proto.UnmarshalOptions{Resolver: types, RecursionLimit: codec.MaxDepth}).Unmarshal(data, into); err != nil {
		return malformed(err)
	}
	return nil
}

func malformed(err error) *refusal.Refusal {
	r := refusal.New(connect.CodeInvalidArgument, mesh.ReasonInputMalformed, "the input does not decode: "+err.Error())
	r.Cause = err
	return r
}
