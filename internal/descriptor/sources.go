package descriptor

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// Sources are files with their comments, which generated code leaves out. A nil *Sources has none. It is safe for
// concurrent use.
type Sources struct {
	files map[string]*descriptorpb.FileDescriptorProto // by path
}

// NewSources indexes files as a compiler made them, such as those of `buf build --as-file-descriptor-set`.
func NewSources(set *descriptorpb.FileDescriptorSet) *Sources {
	s := &Sources{files: make(map[string]*descriptorpb.FileDescriptorProto, len(set.GetFile()))}
	for _, file := range set.GetFile() {
		s.files[file.GetName()] = file
	}
	return s
}

// Proto encodes a file, with its comments if it has some itself or is one of the sources. A source that says something else
// than the file is of another version: its comments would stand beside the wrong things, so there are none then.
func (s *Sources) Proto(file protoreflect.FileDescriptor) *descriptorpb.FileDescriptorProto {
	plain := protodesc.ToFileDescriptorProto(file)
	if s == nil || plain.SourceCodeInfo != nil {
		return plain
	}
	if source, ok := s.files[file.Path()]; ok && sameButComments(source, plain, NewTypes(file)) {
		plain.SourceCodeInfo = source.GetSourceCodeInfo()
	}
	return plain
}

// sameButComments reports whether two files differ in comments and file options only, which generators change.
func sameButComments(a, b *descriptorpb.FileDescriptorProto, types Resolver) bool {
	a, b = proto.CloneOf(a), proto.CloneOf(b)
	a.SourceCodeInfo, b.SourceCodeInfo, a.Options, b.Options = nil, nil, nil, nil
	return SameMeaning(a, b, types)
}
