package cli

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// maxImage bounds what is read of a file.
const maxImage = 64 << 20

// image is a compiled set of .proto files, as `buf build -o` and `protoc --descriptor_set_out` write it.
type image struct {
	files map[string]*descriptorpb.FileDescriptorProto
	// roots are the files that no other one imports, in the order of the image.
	roots []*descriptorpb.FileDescriptorProto
}

// readImage reads an image. Those of a .proto file it makes; see compileImage for roots.
func (a *app) readImage(ctx context.Context, path string, roots []string) (*image, error) {
	if filepath.Ext(path) == ".proto" {
		return compileImage(ctx, path, roots)
	}
	if len(roots) > 0 {
		return nil, usagef("%s is an image, which has its imports: --proto-path is for .proto files", path)
	}
	if path == "-" {
		data, err := a.readStdin("FILE -", "buf build -o - | collector services register - --ns NAMESPACE")
		if err != nil {
			return nil, err
		}
		return parseImage("stdin", data)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, usagef("%v", err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxImage+1))
	if err != nil {
		return nil, usagef("%v", err)
	}
	if len(data) > maxImage {
		return nil, usagef("%s is larger than 64 MiB", path)
	}
	return parseImage(path, data)
}

func parseImage(path string, data []byte) (*image, error) {
	set := new(descriptorpb.FileDescriptorSet) // a buf image has more fields, which are of no interest here
	decode := func() error { return proto.Unmarshal(data, set) }
	if filepath.Ext(path) == ".json" || path == "stdin" && bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		decode = func() error { return protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(data, set) }
	}
	if err := decode(); err != nil || len(set.GetFile()) == 0 {
		return nil, usagef("%s is neither a .proto file nor an image of some", path).hint("buf build -o image.binpb", "buf build -o image.json")
	}
	return newImage(set), nil
}

func newImage(set *descriptorpb.FileDescriptorSet) *image {
	m := &image{files: make(map[string]*descriptorpb.FileDescriptorProto)}
	imported := make(map[string]bool)
	for _, file := range set.GetFile() {
		m.files[file.GetName()] = file
		for _, name := range file.GetDependency() {
			imported[name] = true
		}
	}
	for _, file := range set.GetFile() {
		if !imported[file.GetName()] {
			m.roots = append(m.roots, file)
		}
	}
	return m
}

// imports are the files of the image that a file imports, directly or not, without those that every collector has.
func (m *image) imports(file *descriptorpb.FileDescriptorProto) []*descriptorpb.FileDescriptorProto {
	var found []*descriptorpb.FileDescriptorProto
	seen := map[string]bool{file.GetName(): true}
	for next := []*descriptorpb.FileDescriptorProto{file}; len(next) > 0; next = next[1:] {
		for _, name := range next[0].GetDependency() {
			there := m.files[name]
			if there == nil || seen[name] || strings.HasPrefix(name, "google/protobuf/") {
				continue
			}
			seen[name] = true
			found, next = append(found, there), append(next, there)
		}
	}
	return found
}
