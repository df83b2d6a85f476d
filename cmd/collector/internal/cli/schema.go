package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// schema is the descriptors of one collector.
type schema struct {
	files *protoregistry.Files
	types *dynamicpb.Types
}

// schemaOf fetches the descriptors of a collector; "" is the one that is asked.
func (s *session) schemaOf(ctx context.Context, collectorID string) (*schema, error) {
	set, err := s.descriptorSet(ctx, collectorID)
	if err != nil {
		return nil, err
	}
	return newSchema(set)
}

// descriptorSet fetches all pages of the descriptors of a collector, and begins again if they change meanwhile.
func (s *session) descriptorSet(ctx context.Context, collectorID string) (*descriptorpb.FileDescriptorSet, error) {
	set := new(descriptorpb.FileDescriptorSet)
	req := &meshv1.GetDescriptorSetRequest{CollectorId: collectorID}
	for {
		res, err := s.mesh.GetDescriptorSet(ctx, req)
		switch {
		case connect.CodeOf(err) == connect.CodeAborted && req.GetPageToken() != "":
			set.File, req.PageToken = nil, ""
			continue
		case err != nil:
			return nil, err
		}
		set.File = append(set.File, res.GetFileDescriptorSet().GetFile()...)
		if req.PageToken = res.GetNextPageToken(); req.PageToken == "" {
			return set, nil
		}
	}
}

// joinedSchema joins the descriptors of several collectors. Where two differ about a file, the first one wins; who does
// not tell is left out.
func (s *session) joinedSchema(ctx context.Context, collectorIDs []string) (*schema, error) {
	joined := &descriptorpb.FileDescriptorSet{}
	seen := make(map[string]bool)
	for _, id := range collectorIDs {
		set, err := s.descriptorSet(ctx, id)
		if err != nil {
			continue
		}
		for _, file := range set.GetFile() {
			if !seen[file.GetName()] {
				seen[file.GetName()] = true
				joined.File = append(joined.File, file)
			}
		}
	}
	return newSchema(joined)
}

func newSchema(set *descriptorpb.FileDescriptorSet) (*schema, error) {
	files, err := protodesc.NewFiles(set)
	if err != nil {
		return nil, failuref("the collector's descriptors do not fit together: %v", err)
	}
	return &schema{files: files, types: dynamicpb.NewTypes(files)}, nil
}

// method finds a method; nil if the collector has no descriptor of its service, as for the seed's untyped handlers.
func (s *schema) method(service, method string) (protoreflect.MethodDescriptor, error) {
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

// FindMessageByName, FindMessageByURL, FindExtensionByName and FindExtensionByNumber resolve types for JSON: the
// collector's own first, then those that this binary has, then those of gRPC's error details.
func (s *schema) FindMessageByName(name protoreflect.FullName) (protoreflect.MessageType, error) {
	return firstFound(name, s.types.FindMessageByName, protoregistry.GlobalTypes.FindMessageByName, findRPCMessage)
}

// FindMessageByURL resolves the type of an Any.
func (s *schema) FindMessageByURL(url string) (protoreflect.MessageType, error) {
	return firstFound(url, s.types.FindMessageByURL, protoregistry.GlobalTypes.FindMessageByURL, findRPCMessageByURL)
}

// FindExtensionByName resolves an extension.
func (s *schema) FindExtensionByName(name protoreflect.FullName) (protoreflect.ExtensionType, error) {
	return s.types.FindExtensionByName(name)
}

// FindExtensionByNumber resolves an extension.
func (s *schema) FindExtensionByNumber(
	message protoreflect.FullName, number protoreflect.FieldNumber,
) (protoreflect.ExtensionType, error) {
	return s.types.FindExtensionByNumber(message, number)
}

// known is a message with its extensions, which came as bytes that nobody had asked the schema about.
func (s *schema) known(message proto.Message) (proto.Message, error) {
	known := message.ProtoReflect().New().Interface()
	data, err := proto.MarshalOptions{AllowPartial: true}.Marshal(message)
	if err == nil {
		err = proto.UnmarshalOptions{Resolver: s}.Unmarshal(data, known)
	}
	if err != nil {
		return nil, failuref("the answer is a %s, which does not decode: %s", message.ProtoReflect().Descriptor().FullName(), protoError(err))
	}
	return known, nil
}

// extensionsOf are the fields that extend a message, in the order of their numbers.
func (s *schema) extensionsOf(message protoreflect.FullName) []protoreflect.ExtensionDescriptor {
	var found []protoreflect.ExtensionDescriptor
	s.files.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		for _, extension := range extensionsIn(file) {
			if extension.ContainingMessage().FullName() == message {
				found = append(found, extension)
			}
		}
		return true
	})
	slices.SortFunc(found, func(a, b protoreflect.ExtensionDescriptor) int { return int(a.Number()) - int(b.Number()) })
	return found
}

// extensionsIn are the extensions that a file or a message declares, those within messages included.
func extensionsIn(parent interface {
	Extensions() protoreflect.ExtensionDescriptors
	Messages() protoreflect.MessageDescriptors
},
) (all []protoreflect.ExtensionDescriptor) {
	for i := range parent.Extensions().Len() {
		all = append(all, parent.Extensions().Get(i))
	}
	for i := range parent.Messages().Len() {
		all = append(all, extensionsIn(parent.Messages().Get(i))...)
	}
	return all
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
