package descriptor_test

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/collectiverpc/collective/internal/descriptor"
	"github.com/collectiverpc/collective/internal/schematest"
)

// linked makes files part of this program, as generated code does.
func linked(t *testing.T, texts map[string]string, path string) protoreflect.FileDescriptor {
	t.Helper()
	file := schematest.Build(t, schematest.Compile(t, texts, path)...)
	for _, file := range descriptor.Closure(file) {
		if _, err := protoregistry.GlobalFiles.FindFileByPath(file.Path()); err == nil {
			continue
		}
		if err := protoregistry.GlobalFiles.RegisterFile(file); err != nil {
			t.Fatal(err)
		}
		for i := range file.Extensions().Len() {
			if err := protoregistry.GlobalTypes.RegisterExtension(dynamicpb.NewExtensionType(file.Extensions().Get(i))); err != nil {
				t.Fatal(err)
			}
		}
	}
	return file
}

// Files that extend a message are found although nothing imports them, for what is linked in; those that extend
// protobuf itself, as every custom option does, are not wanted.
func TestWithExtensions(t *testing.T) {
	texts := map[string]string{
		"linked/note.proto": `syntax = "proto2"; package linked; import "google/protobuf/descriptor.proto";
			message Note { extensions 1 to 100; } message Options { optional google.protobuf.FileOptions options = 1; }`,
		"linked/more.proto": `syntax = "proto2"; package linked; import "linked/note.proto"; import "google/protobuf/descriptor.proto";
			message More { extensions 1 to 2; } extend Note { optional More more = 7; } extend google.protobuf.FileOptions { optional bool mine = 61234; }`,
		"linked/most.proto":   `syntax = "proto2"; package linked; import "linked/more.proto"; extend More { optional bool most = 1; }`,
		"linked/option.proto": `syntax = "proto2"; package linked; import "google/protobuf/descriptor.proto"; extend google.protobuf.FileOptions { optional bool other = 61235; }`,
	}
	most := linked(t, texts, "linked/most.proto")
	linked(t, texts, "linked/option.proto")
	more := most.Imports().Get(0)
	note := more.Imports().Get(0).FileDescriptor
	var paths []string
	for _, file := range descriptor.WithExtensions(note) {
		paths = append(paths, file.Path())
	}
	if want := []string{"google/protobuf/descriptor.proto", "linked/note.proto", "linked/more.proto", "linked/most.proto"}; !slices.Equal(paths, want) {
		t.Errorf("files are %v, want %v", paths, want)
	}
	same := schematest.Build(t, schematest.Compile(t, texts, "linked/note.proto")...)
	if files := descriptor.WithExtensions(same); len(files) != 2 {
		t.Errorf("of a message with the same name that is not linked in: %v", files)
	}
}
