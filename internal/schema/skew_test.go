package schema_test

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/collectiverpc/collective/internal/schema"
)

type fileProto = descriptorpb.FileDescriptorProto

func TestSkew(t *testing.T) {
	t.Parallel()
	node := func(f *fileProto) *descriptorpb.DescriptorProto { return f.GetMessageType()[0] }
	method := func(f *fileProto) *descriptorpb.MethodDescriptorProto { return f.GetService()[0].GetMethod()[0] }
	tests := []struct {
		name    string
		edit    func(*fileProto)
		rules   []string // both ways
		differs string   // what is no misunderstanding, both ways
	}{
		{"same", func(*fileProto) {}, nil, ""},
		{"field that one side lacks", func(f *fileProto) { node(f).Field = node(f).Field[1:] }, nil, "t.Node.name"},
		{"enum value that one side lacks", func(f *fileProto) { f.EnumType[0].Value = f.EnumType[0].Value[:1] }, nil, "t.Color"},
		{"reserved on one side", func(f *fileProto) { node(f).ReservedName = []string{"x"} }, nil, ""},
		{"idempotency promised on one side", func(f *fileProto) {
			method(f).Options = &descriptorpb.MethodOptions{IdempotencyLevel: descriptorpb.MethodOptions_IDEMPOTENT.Enum()}
		}, nil, ""},
		{"alias on one side", func(f *fileProto) {
			f.EnumType[0].Options = &descriptorpb.EnumOptions{AllowAlias: proto.Bool(true)}
			f.EnumType[0].Value = append(f.EnumType[0].Value, &descriptorpb.EnumValueDescriptorProto{Name: proto.String("ROUGE"), Number: proto.Int32(1)})
		}, nil, ""},
		{"field type", func(f *fileProto) { node(f).Field[0].Type = descriptorpb.FieldDescriptorProto_TYPE_INT64.Enum() },
			[]string{"FIELD_WIRE_JSON_COMPATIBLE_TYPE"}, ""},
		{"field name", func(f *fileProto) { node(f).Field[0].Name = proto.String("title") },
			[]string{"FIELD_SAME_JSON_NAME", "FIELD_SAME_NAME"}, ""},
		{"enum value name", func(f *fileProto) { f.EnumType[0].Value[1].Name = proto.String("GREEN") }, []string{"ENUM_VALUE_SAME_NAME"}, ""},
		{"cardinality", func(f *fileProto) {
			node(f).Field[1].Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
		}, []string{"FIELD_WIRE_JSON_COMPATIBLE_CARDINALITY"}, ""},
		{"streaming", func(f *fileProto) { method(f).ServerStreaming = proto.Bool(true) }, []string{"RPC_SAME_SERVER_STREAMING"}, ""},
		{"response type", func(f *fileProto) { method(f).OutputType = proto.String(".t.Unrelated") }, []string{"RPC_SAME_RESPONSE_TYPE"}, "t.Empty t.Unrelated"},
		{"message that the method does not reach", func(f *fileProto) {
			f.MessageType[2].Field[0].Type = descriptorpb.FieldDescriptorProto_TYPE_INT64.Enum()
		}, nil, ""},
	}
	for _, tt := range tests {
		theirs := testFile()
		tt.edit(theirs)
		ours := firstMethod(t, testFile())
		for direction, changes := range map[string][]schema.Change{
			"there": schema.Skew(ours, firstMethod(t, theirs)),
			"back":  schema.Skew(firstMethod(t, theirs), ours),
		} {
			if got := brokenRules(changes); !slices.Equal(got, tt.rules) {
				t.Errorf("%s, %s: %v, want %v", tt.name, direction, changes, tt.rules)
			}
			if got := differing(changes); got != tt.differs {
				t.Errorf("%s, %s: %q differs, want %q", tt.name, direction, got, tt.differs)
			}
		}
		if schema.Fingerprint(ours) == schema.Fingerprint(firstMethod(t, theirs)) && tt.rules != nil {
			t.Errorf("%s: same fingerprint", tt.name)
		}
	}
}

func firstMethod(t *testing.T, file *fileProto) protoreflect.MethodDescriptor {
	t.Helper()
	return build(t, file).Services().Get(0).Methods().Get(0)
}

// differing are the elements that differ and mislead nobody.
func differing(changes []schema.Change) string {
	var elements []string
	for _, change := range changes {
		if !change.Breaking() {
			elements = append(elements, change.String())
		}
	}
	return strings.Join(elements, " ")
}
