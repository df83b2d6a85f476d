package schematest

import (
	"context"
	"embed"
	"io/fs"
	"testing"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// cases are small files that did not work, each folder one tree of imports. They are embedded, so that programs which tests
// run have them wherever they run.
//
//go:embed cases
var cases embed.FS

// Case is the texts of a case by path.
// A case is named by its folder.
func Case(t testing.TB, name string) map[string]string {
	t.Helper()
	texts, err := Texts(name)
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

// Texts is [Case] for programs that tests run.
// The paths are those by which the files import each other.
func Texts(name string) (map[string]string, error) {
	tree, err := fs.Sub(cases, "cases/"+name)
	if err != nil {
		return nil, err
	}
	texts := make(map[string]string)
	return texts, fs.WalkDir(tree, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(tree, path)
		texts[path] = string(text)
		return err
	})
}

// Compile makes files of their texts, by path: the one with a path and all it imports, which comes before it. Custom
// options are messages of package dynamicpb in them, as compilers have them.
// It compiles by a compiler of Go's own and not by protoc, which a machine may not have. The files keep their comments.
// Options keep what they say as messages; use [Read] for a file as a peer gets it.
func Compile(t testing.TB, texts map[string]string, path string) []*descriptorpb.FileDescriptorProto {
	t.Helper()
	files, err := Files(t.Context(), texts, path)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// Files is [Compile] for programs that tests run.
// The well-known files need no text; those of the compiler are taken.
// ctx ends a compilation that takes too long.
func Files(ctx context.Context, texts map[string]string, path string) ([]*descriptorpb.FileDescriptorProto, error) {
	compiler := protocompile.Compiler{
		Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{
			Accessor: protocompile.SourceAccessorFromMap(texts),
		}),
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	compiled, err := compiler.Compile(ctx, path)
	if err != nil {
		return nil, err
	}
	var files []*descriptorpb.FileDescriptorProto
	seen := make(map[string]bool)
	var add func(protoreflect.FileDescriptor)
	// A file is added behind what it imports, once: descriptors are built in that order.
	add = func(file protoreflect.FileDescriptor) {
		if seen[file.Path()] {
			return
		}
		seen[file.Path()] = true
		for i := range file.Imports().Len() {
			add(file.Imports().Get(i).FileDescriptor)
		}
		files = append(files, protodesc.ToFileDescriptorProto(file))
	}
	add(compiled[0])
	return files, nil
}

// Read is a file as if it had come over a wire: what custom options say is bytes.
// A peer knows no extension when it reads a file: it has to find their types in the file itself.
func Read(t testing.TB, file *descriptorpb.FileDescriptorProto) *descriptorpb.FileDescriptorProto {
	t.Helper()
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	read := new(descriptorpb.FileDescriptorProto)
	if err := (proto.UnmarshalOptions{Resolver: new(protoregistry.Types)}).Unmarshal(data, read); err != nil {
		t.Fatal(err)
	}
	return read
}

// Build makes descriptors of files, dependencies first, and returns the last one.
// Any file that is missing or wrong fails the test.
// Their custom options stay as they are: descriptors of bytes, if the files came by [Read].
func Build(t testing.TB, files ...*descriptorpb.FileDescriptorProto) protoreflect.FileDescriptor {
	t.Helper()
	built, err := protodesc.NewFiles(&descriptorpb.FileDescriptorSet{File: files})
	if err != nil {
		t.Fatal(err)
	}
	last, err := built.FindFileByPath(files[len(files)-1].GetName())
	if err != nil {
		t.Fatal(err)
	}
	return last
}
