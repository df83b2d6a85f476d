package schema_test

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/collectiverpc/collective/internal/schema"
)

func TestCompareServicesSeesWhatMethodsReach(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*descriptorpb.FileDescriptorProto)
		want   []string
	}{
		{"nothing", func(*descriptorpb.FileDescriptorProto) {}, nil},
		{"nested enum", func(f *descriptorpb.FileDescriptorProto) {
			f.GetEnumType()[0].GetValue()[1].Name = proto.String("GREEN")
		}, []string{"t.Color names the value 1 no longer RED but GREEN (ENUM_VALUE_SAME_NAME)"}},
		{"message that no method reaches", func(f *descriptorpb.FileDescriptorProto) {
			f.GetMessageType()[2].GetField()[0].Type = descriptorpb.FieldDescriptorProto_TYPE_BYTES.Enum()
		}, nil},
		{"method gone", func(f *descriptorpb.FileDescriptorProto) {
			f.GetService()[0].GetMethod()[0].Name = proto.String("N")
		}, []string{"t.S.M is gone (RPC_NO_DELETE)", "t.S.N is new"}},
	}
	for _, tt := range tests {
		before, after := testFile(), testFile()
		tt.change(after)
		var got []string
		for _, change := range schema.CompareServices(build(t, before).Services().Get(0), build(t, after).Services().Get(0)) {
			got = append(got, change.String())
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
