package schema

import (
	"context"
	_ "embed"
	"sync"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
)

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
