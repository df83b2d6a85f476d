package registry_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	collector "github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/registry"
	"github.com/collectiverpc/collective/store"
)

func newRegistry(t testing.TB, opts ...registry.Option) *registry.Registry {
	t.Helper()
	r, err := registry.New(t.Context(), append([]registry.Option{anybodyRegisters}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// revision is the revision of a registry, as every answer about a method tells it.
func revision(t testing.TB, r *registry.Registry) uint64 {
	t.Helper()
	answer, err := r.ValidateMethod(t.Context(), &collector.ValidateMethodRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return answer.GetRevision()
}

func openDB(t testing.TB, path string) *store.Store {
	t.Helper()
	db, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func tempDB(t testing.TB) *store.Store {
	t.Helper()
	return openDB(t, filepath.Join(t.TempDir(), "state.db"))
}

// protoFile is the file "dir/name.proto" of package "dir" with the edits applied.
func protoFile(dir, name string, edits ...func(*descriptorpb.FileDescriptorProto)) *descriptorpb.FileDescriptorProto {
	file := &descriptorpb.FileDescriptorProto{
		Name: proto.String(dir + "/" + name + ".proto"), Package: proto.String(dir), Syntax: proto.String("proto3"),
	}
	for _, edit := range edits {
		edit(file)
	}
	return file
}

func imports(paths ...string) func(*descriptorpb.FileDescriptorProto) {
	return func(f *descriptorpb.FileDescriptorProto) { f.Dependency = append(f.Dependency, paths...) }
}

// message adds a message with string fields, numbered from 1.
func message(name string, fields ...string) func(*descriptorpb.FileDescriptorProto) {
	return func(f *descriptorpb.FileDescriptorProto) {
		m := &descriptorpb.DescriptorProto{Name: &name}
		for i, field := range fields {
			m.Field = append(m.Field, &descriptorpb.FieldDescriptorProto{
				Name: proto.String(field), Number: proto.Int32(int32(i + 1)),
				Type:  descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(),
				Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
			})
		}
		f.MessageType = append(f.MessageType, m)
	}
}

// typed adds a message with one field of another type.
func typed(name, fieldType string) func(*descriptorpb.FileDescriptorProto) {
	return func(f *descriptorpb.FileDescriptorProto) {
		f.MessageType = append(f.MessageType, &descriptorpb.DescriptorProto{
			Name: &name,
			Field: []*descriptorpb.FieldDescriptorProto{{
				Name: proto.String("value"), Number: proto.Int32(1), TypeName: proto.String("." + fieldType),
				Type:  descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(),
				Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
			}},
		})
	}
}

// service adds a service whose methods take and answer one message type.
func service(name, messageType string, methods ...string) func(*descriptorpb.FileDescriptorProto) {
	return func(f *descriptorpb.FileDescriptorProto) {
		s := &descriptorpb.ServiceDescriptorProto{Name: &name}
		for _, method := range methods {
			s.Method = append(s.Method, &descriptorpb.MethodDescriptorProto{
				Name: proto.String(method), InputType: proto.String("." + messageType), OutputType: proto.String("." + messageType),
			})
		}
		f.Service = append(f.Service, s)
	}
}

// usersFile declares users.UserService with two methods on users.User.
func usersFile(edits ...func(*descriptorpb.FileDescriptorProto)) *descriptorpb.FileDescriptorProto {
	base := []func(*descriptorpb.FileDescriptorProto){
		message("User", "name", "email"), service("UserService", "users.User", "GetUser", "PutUser"),
	}
	return protoFile("users", "users", append(base, edits...)...)
}

func built(t testing.TB, file *descriptorpb.FileDescriptorProto) protoreflect.FileDescriptor {
	t.Helper()
	fd, err := protodesc.NewFile(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

func registerProto(t testing.TB, r *registry.Registry, namespace string, file *descriptorpb.FileDescriptorProto, deps ...*descriptorpb.FileDescriptorProto) *collector.RegisterProtoResponse {
	t.Helper()
	answer, err := r.RegisterProto(t.Context(), &collector.RegisterProtoRequest{
		Namespace: namespace, FileDescriptor: file, Dependencies: deps,
	})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// serviceRequest registers the first service of a file.
func serviceRequest(namespace string, file *descriptorpb.FileDescriptorProto) *collector.RegisterServiceRequest {
	return &collector.RegisterServiceRequest{
		Namespace: namespace, ServiceDescriptor: file.GetService()[0], FileDescriptor: file,
	}
}

func registerService(t testing.TB, r *registry.Registry, namespace string, file *descriptorpb.FileDescriptorProto) *collector.RegisterServiceResponse {
	t.Helper()
	answer, err := r.RegisterService(t.Context(), serviceRequest(namespace, file))
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// checkError wants a Connect error with that code, with kind in its chain and each text in its message.
func checkError(t *testing.T, err error, code connect.Code, kind error, texts ...string) {
	t.Helper()
	e, ok := errors.AsType[*connect.Error](err)
	if !ok {
		t.Errorf("error is %v, want a Connect error", err)
		return
	}
	if e.Code() != code || kind != nil && !errors.Is(err, kind) {
		t.Errorf("error is %v, want code %v and %v", err, code, kind)
	}
	for _, text := range texts {
		if !strings.Contains(e.Message(), text) {
			t.Errorf("message %q does not say %q", e.Message(), text)
		}
	}
}

func numbered(prefix string, n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%s%d", prefix, i)
	}
	return names
}

// comment puts a comment on the element at a path of field numbers and indexes; see google.protobuf.SourceCodeInfo.
func comment(text string, path ...int32) func(*descriptorpb.FileDescriptorProto) {
	return func(f *descriptorpb.FileDescriptorProto) {
		f.SourceCodeInfo = &descriptorpb.SourceCodeInfo{Location: []*descriptorpb.SourceCodeInfo_Location{{
			Path: path, Span: []int32{1, 0, 2}, LeadingComments: proto.String(text),
		}}}
	}
}

// anybodyRegisters is for registries that tests serve without a collector, which would decide.
var anybodyRegisters = registry.WithRegistrar(func(context.Context) error { return nil })
