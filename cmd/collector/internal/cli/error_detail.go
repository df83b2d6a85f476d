package cli

import (
	"context"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"strings"
	"sync"

	"connectrpc.com/connect/v2"
	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// errorDetail is a message that came with an error, decoded as far as its type is known.
type errorDetail struct {
	Type   string          `json:"type"`
	Value  json.RawMessage `json:"value,omitempty"`  // proto JSON; none if the type is not known
	Base64 string          `json:"base64,omitempty"` // the message as it came, if it does not decode
}

// String is the detail on one line.
func (d errorDetail) String() string {
	if d.Value == nil {
		return d.Type + " (of a schema that is not known here) base64 " + d.Base64
	}
	return d.Type + " " + string(d.Value)
}

// decodeDetail reads a detail by the schema of the method, which may be nil, or by what this binary knows.
func decodeDetail(detail *connect.ErrorDetail, known *schema) errorDetail {
	if known == nil {
		known = noSchema()
	}
	name := detail.Type[strings.LastIndexByte(detail.Type, '/')+1:]
	if value, err := known.detailJSON(protoreflect.FullName(name), detail.Value); err == nil {
		return errorDetail{Type: name, Value: value}
	}
	return errorDetail{Type: name, Base64: base64.StdEncoding.EncodeToString(detail.Value)}
}

func (s *schema) detailJSON(name protoreflect.FullName, data []byte) (json.RawMessage, error) {
	kind, err := s.FindMessageByName(name)
	if err != nil {
		return nil, err
	}
	message := kind.New().Interface()
	if err := (proto.UnmarshalOptions{Resolver: s}).Unmarshal(data, message); err != nil {
		return nil, err
	}
	value, err := protojson.MarshalOptions{Resolver: s}.Marshal(message)
	if err != nil {
		return nil, err
	}
	return compactJSON(value)
}

// noSchema knows what this binary knows.
var noSchema = sync.OnceValue(func() *schema {
	empty, err := newSchema(new(descriptorpb.FileDescriptorSet))
	if err != nil {
		panic(err) // nothing fits together with nothing
	}
	return empty
})

// rpcDetails declares the messages that gRPC services send as error details. Hardly a service imports their file, so
// its own schema does not tell them.
//
//go:embed error_details.proto
var rpcDetails string

// rpcTypes are those messages.
var rpcTypes = sync.OnceValue(func() *dynamicpb.Types {
	const path = "google/rpc/error_details.proto"
	compiler := protocompile.Compiler{Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{
		Accessor: protocompile.SourceAccessorFromMap(map[string]string{path: rpcDetails}),
	})}
	compiled, err := compiler.Compile(context.Background(), path)
	if err != nil {
		panic(err) // a test compiles it
	}
	files := new(protoregistry.Files)
	if err := files.RegisterFile(compiled[0]); err != nil {
		panic(err) // it is the only one
	}
	return dynamicpb.NewTypes(files)
})

func findRPCMessage(name protoreflect.FullName) (protoreflect.MessageType, error) {
	return rpcTypes().FindMessageByName(name)
}

func findRPCMessageByURL(url string) (protoreflect.MessageType, error) {
	return rpcTypes().FindMessageByURL(url)
}
