package schema

import (
	"errors"
	"fmt"
	"sync"

	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
)

// Set is the descriptors of one collector, or of several. It resolves types for JSON and text: its own first, then those
// that this binary has, then those of gRPC's error details. It does not change, so that many may read it at once.
type Set struct {
	files *protoregistry.Files
	types *dynamicpb.Types
}

// New makes a set of descriptors that may be in any order.
func New(set *descriptorpb.FileDescriptorSet) (*Set, error) {
	files, err := protodesc.NewFiles(set)
	if err != nil {
		return nil, failure.Newf("the collector's descriptors do not fit together: %v", err)
	}
	return &Set{files: files, types: dynamicpb.NewTypes(files)}, nil
}

// Empty knows what this binary knows, and nothing of a collector.
var Empty = sync.OnceValue(func() *Set {
	empty, err := New(new(descriptorpb.FileDescriptorSet))
	if err != nil {
		panic(err) // nothing fits together with nothing
	}
	return empty
})

// Method finds a method; nil if the collector has no descriptor of its service, as for the seed's untyped handlers.
func (s *Set) Method(service, method string) (protoreflect.MethodDescriptor, error) {
	found, err := s.files.FindDescriptorByName(protoreflect.FullName(service))
	if errors.Is(err, protoregistry.NotFound) {
		return nil, nil //nolint:nilnil // untyped, and documented
	}
	if err != nil {
		return nil, err
	}
	described, ok := found.(protoreflect.ServiceDescriptor)
	if !ok {
		return nil, fmt.Errorf("%s is no service in the collector's descriptors", service)
	}
	return described.Methods().ByName(protoreflect.Name(method)), nil
}

// FindMessageByName resolves a message.
func (s *Set) FindMessageByName(name protoreflect.FullName) (protoreflect.MessageType, error) {
	return firstFound(name, s.types.FindMessageByName, protoregistry.GlobalTypes.FindMessageByName, findRPCMessage)
}

// FindMessageByURL resolves the type of an Any.
func (s *Set) FindMessageByURL(url string) (protoreflect.MessageType, error) {
	return firstFound(url, s.types.FindMessageByURL, protoregistry.GlobalTypes.FindMessageByURL, findRPCMessageByURL)
}

// FindExtensionByName resolves an extension.
func (s *Set) FindExtensionByName(name protoreflect.FullName) (protoreflect.ExtensionType, error) {
	return s.types.FindExtensionByName(name)
}

// FindExtensionByNumber resolves an extension.
func (s *Set) FindExtensionByNumber(
	message protoreflect.FullName, number protoreflect.FieldNumber,
) (protoreflect.ExtensionType, error) {
	return s.types.FindExtensionByNumber(message, number)
}

func firstFound[K ~string, V any](key K, lookups ...func(K) (V, error)) (V, error) {
	var found V
	err := error(protoregistry.NotFound)
	for _, lookup := range lookups {
		if found, err = lookup(key); !errors.Is(err, protoregistry.NotFound) {
			return found, err
		}
	}
	return found, err
}
