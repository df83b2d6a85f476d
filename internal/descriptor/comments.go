package descriptor

import (
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// sourceCodeInfo is the number of the field with the comments of a file.
const sourceCodeInfo protowire.Number = 9

// sizes are the bytes of a file, encoded: what it declares, and its comments.
func sizes(file *descriptorpb.FileDescriptorProto) (declared, comments int) {
	if info := file.GetSourceCodeInfo(); info != nil {
		comments = protowire.SizeTag(sourceCodeInfo) + protowire.SizeBytes(proto.Size(info))
	}
	return proto.Size(file) - comments, comments
}

// declaredSize is the bytes of an encoded file without its comments. It reads the encoded file, since that is what is kept;
// decoding it for a number would cost far more than the number is worth.
func declaredSize(encoded []byte) int {
	comments := 0
	for rest := encoded; len(rest) > 0; {
		number, _, size := protowire.ConsumeField(rest)
		if size < 0 {
			break // what was encoded is well formed
		}
		if number == sourceCodeInfo {
			comments += size
		}
		rest = rest[size:]
	}
	return len(encoded) - comments
}

// WithoutComments is a file without its comments. The two share what they declare.
func WithoutComments(file *descriptorpb.FileDescriptorProto) *descriptorpb.FileDescriptorProto {
	return withComments(file, nil)
}

// OnlyComments is a file of whose source locations those are left that have a comment: compilers write down where each
// word begins, several times as much as what it says. None is left if there are more than anybody reads.
func OnlyComments(file *descriptorpb.FileDescriptorProto) *descriptorpb.FileDescriptorProto {
	if file.GetSourceCodeInfo() == nil {
		return file
	}
	var commented []*descriptorpb.SourceCodeInfo_Location
	for _, location := range file.GetSourceCodeInfo().GetLocation() {
		if hasComment(location) {
			commented = append(commented, location)
		}
	}
	if len(commented) == 0 {
		return WithoutComments(file)
	}
	file = withComments(file, &descriptorpb.SourceCodeInfo{Location: commented})
	if _, comments := sizes(file); comments > MaxComments {
		return WithoutComments(file)
	}
	return file
}

// legible is a file with its comments only, and whether they had to be left out: there are more than an author writes. The
// number counts as well as the bytes, since a location takes memory however short it is.
func legible(file *descriptorpb.FileDescriptorProto, limits Limits) (_ *descriptorpb.FileDescriptorProto, bare bool) {
	short := OnlyComments(file)
	if len(short.GetSourceCodeInfo().GetLocation()) > messagesPerField*limits.Fields {
		short = WithoutComments(short)
	}
	bare = short.GetSourceCodeInfo() == nil && slices.ContainsFunc(file.GetSourceCodeInfo().GetLocation(), hasComment)
	return short, bare
}

// hasComment reports whether a location says anything to a reader; most only say where a word begins.
func hasComment(l *descriptorpb.SourceCodeInfo_Location) bool {
	return l.LeadingComments != nil || l.TrailingComments != nil || len(l.GetLeadingDetachedComments()) > 0
}

// withComments is a shallow copy of a file with other locations. Fields that nobody knows come along: custom options are some.
func withComments(file *descriptorpb.FileDescriptorProto, info *descriptorpb.SourceCodeInfo) *descriptorpb.FileDescriptorProto {
	other := new(descriptorpb.FileDescriptorProto)
	to := other.ProtoReflect()
	file.ProtoReflect().Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		if field.Number() != sourceCodeInfo {
			to.Set(field, value)
		}
		return true
	})
	to.SetUnknown(file.ProtoReflect().GetUnknown())
	other.SourceCodeInfo = info
	return other
}
