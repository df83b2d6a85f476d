package rules_test

import (
	"strings"
	"testing"

	rulesproto "buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

const shop = `
syntax = "proto3";
package PKG;
import "buf/validate/validate.proto";

service OrderService {
  rpc Place(Order) returns (Receipt);
  rpc PlaceMany(stream Order) returns (Receipt);
  rpc Negotiate(stream Order) returns (stream Receipt);
}
service BrokenService {
  rpc Place(Broken) returns (Receipt);
}
message Order {
  string sku = 1 [(buf.validate.field).string.min_len = 3];
  int32 quantity = 2 [(buf.validate.field).int32 = {gte: 0, lte: 100}];
  Address to = 3;
  repeated string notes = 4 [(buf.validate.field).repeated.items.string.max_len = 5];
}
message Address {
  string city = 1 [(buf.validate.field).required = true];
}
message Broken {
  string text = 1 [(buf.validate.field).cel = {id: "broken", message: "no", expression: "this.nothing()"}];
}
message Receipt {
  string number = 1 [(buf.validate.field).string.min_len = 1];
}`

// compile makes the schema under a package name of its own. Its options go through bytes, as those of a file that came
// from elsewhere do.
func compile(t *testing.T, pkg string) protoreflect.FileDescriptor {
	t.Helper()
	known := protocompile.ResolverFunc(func(path string) (protocompile.SearchResult, error) {
		if path == rulesproto.File_buf_validate_validate_proto.Path() {
			return protocompile.SearchResult{Desc: rulesproto.File_buf_validate_validate_proto}, nil
		}
		return protocompile.SearchResult{}, protoregistry.NotFound
	})
	text := &protocompile.SourceResolver{Accessor: protocompile.SourceAccessorFromMap(map[string]string{
		pkg + ".proto": strings.ReplaceAll(shop, "PKG", pkg),
	})}
	compiler := protocompile.Compiler{Resolver: protocompile.WithStandardImports(protocompile.CompositeResolver{text, known})}
	files, err := compiler.Compile(t.Context(), pkg+".proto")
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := proto.Marshal(protodesc.ToFileDescriptorProto(files[0]))
	if err != nil {
		t.Fatal(err)
	}
	decoded := new(descriptorpb.FileDescriptorProto)
	if err := (proto.UnmarshalOptions{Resolver: new(protoregistry.Types)}).Unmarshal(encoded, decoded); err != nil {
		t.Fatal(err)
	}
	built, err := protodesc.NewFile(decoded, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	return built
}

// order is an Order of a schema; "" and 0 leave a field out.
func order(file protoreflect.FileDescriptor, sku string, quantity int32) *dynamicpb.Message {
	message := dynamicpb.NewMessage(file.Messages().ByName("Order"))
	fields := message.Descriptor().Fields()
	message.Set(fields.ByName("sku"), protoreflect.ValueOfString(sku))
	message.Set(fields.ByName("quantity"), protoreflect.ValueOfInt32(quantity))
	return message
}
