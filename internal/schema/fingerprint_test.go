package schema_test

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	collector "github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/internal/schema"
)

// The fingerprint travels between releases: a new value here makes every old collector's schema look changed.
func TestFingerprintIsStable(t *testing.T) {
	t.Parallel()
	if got, want := fingerprint(t, testFile()), uint64(0xd681c1cefcec545e); got != want {
		t.Errorf("Fingerprint = %#x, want %#x", got, want)
	}
}

// testFile is a service whose method reaches a recursive message, a nested one, an enum and a map.
func testFile() *descriptorpb.FileDescriptorProto {
	field := func(name string, number int32, kind descriptorpb.FieldDescriptorProto_Type, typeName string) *descriptorpb.FieldDescriptorProto {
		f := &descriptorpb.FieldDescriptorProto{Name: &name, Number: &number, Type: &kind}
		if typeName != "" {
			f.TypeName = &typeName
		}
		return f
	}
	const (
		str = descriptorpb.FieldDescriptorProto_TYPE_STRING
		msg = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE
		enm = descriptorpb.FieldDescriptorProto_TYPE_ENUM
	)
	return &descriptorpb.FileDescriptorProto{
		Name: proto.String("t.proto"), Package: proto.String("t"), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{
			{
				Name: proto.String("Node"),
				Field: []*descriptorpb.FieldDescriptorProto{
					field("name", 1, str, ""), field("parent", 2, msg, ".t.Node"), field("leaf", 3, msg, ".t.Node.Leaf"),
				},
				NestedType: []*descriptorpb.DescriptorProto{{
					Name: proto.String("Leaf"), Field: []*descriptorpb.FieldDescriptorProto{field("color", 1, enm, ".t.Color")},
				}},
			},
			{Name: proto.String("Empty")},
			{Name: proto.String("Unrelated"), Field: []*descriptorpb.FieldDescriptorProto{field("x", 1, str, "")}},
		},
		EnumType: []*descriptorpb.EnumDescriptorProto{{
			Name: proto.String("Color"),
			Value: []*descriptorpb.EnumValueDescriptorProto{
				{Name: proto.String("NONE"), Number: proto.Int32(0)}, {Name: proto.String("RED"), Number: proto.Int32(1)},
			},
		}},
		Service: []*descriptorpb.ServiceDescriptorProto{{
			Name: proto.String("S"),
			Method: []*descriptorpb.MethodDescriptorProto{{
				Name: proto.String("M"), InputType: proto.String(".t.Node"), OutputType: proto.String(".t.Empty"),
			}},
		}},
	}
}

func fingerprint(t *testing.T, file *descriptorpb.FileDescriptorProto) uint64 {
	t.Helper()
	return schema.Fingerprint(build(t, file).Services().Get(0).Methods().Get(0))
}

func build(t *testing.T, file *descriptorpb.FileDescriptorProto) protoreflect.FileDescriptor {
	t.Helper()
	built, err := protodesc.NewFile(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	return built
}

func TestFingerprintSeesTheShapeOnly(t *testing.T) {
	t.Parallel()
	base := fingerprint(t, testFile())
	node := func(f *descriptorpb.FileDescriptorProto) *descriptorpb.DescriptorProto { return f.GetMessageType()[0] }
	tests := []struct {
		name   string
		change func(*descriptorpb.FileDescriptorProto)
		same   bool
	}{
		{"nothing", func(*descriptorpb.FileDescriptorProto) {}, true},
		{"file name", func(f *descriptorpb.FileDescriptorProto) { f.Name = proto.String("u.proto") }, true},
		{"option", func(f *descriptorpb.FileDescriptorProto) {
			node(f).Options = &descriptorpb.MessageOptions{Deprecated: proto.Bool(true)}
		}, true},
		{"unreachable message", func(f *descriptorpb.FileDescriptorProto) { f.GetMessageType()[2].Name = proto.String("Other") }, true},
		{"order of fields", func(f *descriptorpb.FileDescriptorProto) {
			fields := node(f).GetField()
			fields[0], fields[2] = fields[2], fields[0]
		}, true},
		{"streaming", func(f *descriptorpb.FileDescriptorProto) {
			f.GetService()[0].GetMethod()[0].ServerStreaming = proto.Bool(true)
		}, false},
		{"other direction of streaming", func(f *descriptorpb.FileDescriptorProto) {
			f.GetService()[0].GetMethod()[0].ClientStreaming = proto.Bool(true)
		}, false},
		{"input type", func(f *descriptorpb.FileDescriptorProto) {
			f.GetService()[0].GetMethod()[0].InputType = proto.String(".t.Empty")
		}, false},
		{"method name", func(f *descriptorpb.FileDescriptorProto) { f.GetService()[0].GetMethod()[0].Name = proto.String("N") }, false},
		{"field name", func(f *descriptorpb.FileDescriptorProto) { node(f).GetField()[0].Name = proto.String("title") }, false},
		{"JSON name", func(f *descriptorpb.FileDescriptorProto) { node(f).GetField()[0].JsonName = proto.String("title") }, false},
		{"field number", func(f *descriptorpb.FileDescriptorProto) { node(f).GetField()[0].Number = proto.Int32(9) }, false},
		{"field type", func(f *descriptorpb.FileDescriptorProto) {
			node(f).GetField()[0].Type = descriptorpb.FieldDescriptorProto_TYPE_BYTES.Enum()
		}, false},
		{"cardinality", func(f *descriptorpb.FileDescriptorProto) {
			node(f).GetField()[0].Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
		}, false},
		{"nested enum value", func(f *descriptorpb.FileDescriptorProto) {
			f.GetEnumType()[0].GetValue()[1].Name = proto.String("GREEN")
		}, false},
		{"output gains a field", func(f *descriptorpb.FileDescriptorProto) {
			f.GetMessageType()[1].Field = f.GetMessageType()[2].GetField()
		}, false},
		{"oneof", func(f *descriptorpb.FileDescriptorProto) {
			node(f).OneofDecl = []*descriptorpb.OneofDescriptorProto{{Name: proto.String("o")}}
			node(f).GetField()[0].OneofIndex = proto.Int32(0)
		}, false},
	}
	for _, tt := range tests {
		file := testFile()
		tt.change(file)
		if got := fingerprint(t, file); (got == base) != tt.same {
			t.Errorf("%s: %#x, before %#x, want same=%v", tt.name, got, base, tt.same)
		}
	}
}

func BenchmarkFingerprint(b *testing.B) {
	serve := collector.File_collector_dispatcher_proto.Services().ByName("CollectiveDispatcher").Methods().ByName("Serve")
	b.ReportAllocs()
	for b.Loop() {
		schema.Fingerprint(serve)
	}
}
