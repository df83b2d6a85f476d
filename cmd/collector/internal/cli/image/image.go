package image

import (
	"strings"

	"google.golang.org/protobuf/types/descriptorpb"
)

// Image is a compiled set of .proto files. It does not change.
type Image struct {
	files map[string]*descriptorpb.FileDescriptorProto
	// roots are the files that no other one imports, in the order of the image.
	roots []*descriptorpb.FileDescriptorProto
}

func newImage(set *descriptorpb.FileDescriptorSet) *Image {
	m := &Image{files: make(map[string]*descriptorpb.FileDescriptorProto)}
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
func (m *Image) imports(file *descriptorpb.FileDescriptorProto) []*descriptorpb.FileDescriptorProto {
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
