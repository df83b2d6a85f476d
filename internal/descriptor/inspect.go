package descriptor

import (
	"path"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/collectiverpc/collective/internal/name"
)

// maxPath is the length of the longest path of a file in bytes.
const maxPath = 512

// inspection looks at one foreign file before anything is built from it. It stops counting at a limit, so that its
// cost is bounded by the limits and not by the file.
type inspection struct {
	limits   Limits
	refusal  *refusal
	path     string
	elements int  // counted so far; what is beyond the limit is not exact
	tooDeep  bool // some message is nested deeper than the limit
}

// Inspect says everything that is wrong with a foreign file by itself, before anything is built from it.
func Inspect(file *descriptorpb.FileDescriptorProto, limits Limits) error {
	var found refusal
	inspect(file, limits, &found)
	return found.orNil()
}

// inspect adds what is wrong with a file by itself.
func inspect(file *descriptorpb.FileDescriptorProto, limits Limits, refusal *refusal) {
	if file == nil {
		refusal.add(ErrMalformed, "a file descriptor is missing")
		return
	}
	i := &inspection{limits: limits, refusal: refusal, path: file.GetName()}
	if !validPath(i.path) {
		refusal.add(ErrMalformed, "file path %.100q: want a relative path such as users/v1/users.proto", i.path)
		return
	}
	if i.tooBig(file) {
		return
	}
	i.checkNames(file)
	i.checkText(file)
}

// malformed refuses the file for what it says.
func (i *inspection) malformed(format string, args ...any) {
	i.refusal.add(ErrMalformed, "%s: "+format, append([]any{i.path}, args...)...)
}

// tooLarge refuses the file for how much it is.
func (i *inspection) tooLarge(format string, args ...any) {
	i.refusal.add(ErrTooLarge, "%s: "+format, append([]any{i.path}, args...)...)
}

// validPath accepts the paths that compilers write and none that could mean something to a file system.
func validPath(p string) bool {
	return p != "" && len(p) <= maxPath && utf8.ValidString(p) && path.Clean(p) == p && !path.IsAbs(p) &&
		p != "." && p != ".." && !strings.HasPrefix(p, "../") && !strings.ContainsAny(p, "\x00\n\r\\")
}

// tooBig checks the limits, the cheap ones first: counting stops at the limit, and only what passed it is measured.
func (i *inspection) tooBig(file *descriptorpb.FileDescriptorProto) bool {
	before := i.refusal.count()
	if n := len(file.GetDependency()); n > i.limits.Dependencies {
		i.tooLarge("%d imports, at most %d are allowed", n, i.limits.Dependencies)
	}
	i.countFile(file)
	if i.elements > i.limits.Fields {
		i.tooLarge("more than %d fields, enum values and other declarations", i.limits.Fields)
	}
	if i.tooDeep {
		i.tooLarge("messages are nested deeper than %d", i.limits.Depth)
	}
	if i.refusal.count() > before {
		return true
	}
	if size, _ := sizes(file); size > i.limits.FileBytes {
		i.tooLarge("%d bytes, at most %d are allowed", size, i.limits.FileBytes)
		return true
	}
	return false
}

// count adds n elements and reports whether there may be more.
func (i *inspection) count(n int) bool {
	i.elements += n
	return i.elements <= i.limits.Fields
}

// countFile counts what building a descriptor takes memory for: every declaration, range, and option that is not understood.
func (i *inspection) countFile(file *descriptorpb.FileDescriptorProto) {
	i.count(len(file.GetExtension()) + len(file.GetPublicDependency()) + len(file.GetWeakDependency()) +
		len(file.GetOptionDependency()) + len(file.GetOptions().GetUninterpretedOption()))
	i.countEnums(file.GetEnumType())
	i.countMessages(file.GetMessageType(), 1)
	for _, service := range file.GetService() {
		if !i.count(1 + len(service.GetMethod())) {
			return
		}
	}
}

// countMessages stops at the limits of depth and number, whichever comes first: a file can be all depth.
func (i *inspection) countMessages(messages []*descriptorpb.DescriptorProto, depth int) {
	if depth > i.limits.Depth && len(messages) > 0 {
		i.tooDeep = true
		return
	}
	for _, m := range messages {
		if !i.count(1 + len(m.GetField()) + len(m.GetExtension()) + len(m.GetOneofDecl()) + len(m.GetExtensionRange()) +
			len(m.GetReservedRange()) + len(m.GetReservedName())) {
			return
		}
		i.countEnums(m.GetEnumType())
		i.countMessages(m.GetNestedType(), depth+1)
	}
}

// countEnums stops at the limit too.
func (i *inspection) countEnums(enums []*descriptorpb.EnumDescriptorProto) {
	for _, e := range enums {
		if !i.count(1 + len(e.GetValue()) + len(e.GetReservedRange()) + len(e.GetReservedName())) {
			return
		}
	}
}

// checkNames looks at the names that become part of full names. protodesc checks the rest.
func (i *inspection) checkNames(file *descriptorpb.FileDescriptorProto) {
	pkg := file.GetPackage()
	if pkg != "" && !name.IsFullName(pkg) {
		i.malformed("package %.100q is not a name", pkg)
	}
	if pkg == wellKnownPackage || strings.HasPrefix(pkg, wellKnownPackage+".") {
		i.refusal.add(ErrReserved, "%s: package %s belongs to protobuf itself", i.path, pkg)
	}
	i.checkMessageNames(file.GetMessageType())
	i.checkEnumNames(file.GetEnumType())
	checkEach(i, "extension", file.GetExtension())
	checkEach(i, "service", file.GetService())
	for _, service := range file.GetService() {
		checkEach(i, "method", service.GetMethod())
	}
}

// checkMessageNames looks at messages and what is in them. Their depth is limited by now.
func (i *inspection) checkMessageNames(messages []*descriptorpb.DescriptorProto) {
	checkEach(i, "message", messages)
	for _, m := range messages {
		checkEach(i, "field", m.GetField())
		checkEach(i, "extension", m.GetExtension())
		checkEach(i, "oneof", m.GetOneofDecl())
		i.checkEnumNames(m.GetEnumType())
		i.checkMessageNames(m.GetNestedType())
	}
}

// checkEnumNames looks at the values too: they are names of the scope around the enum.
func (i *inspection) checkEnumNames(enums []*descriptorpb.EnumDescriptorProto) {
	checkEach(i, "enum", enums)
	for _, e := range enums {
		checkEach(i, "enum value", e.GetValue())
	}
}

// checkEach refuses what is no identifier, each by itself: an author wants all of them.
func checkEach[T interface{ GetName() string }](i *inspection, kind string, declarations []T) {
	for _, d := range declarations {
		if !name.IsIdentifier(d.GetName()) {
			i.malformed("%s %.100q is not a name", kind, d.GetName())
		}
	}
}

// checkText looks for text that is not UTF-8 anywhere else. The message is proto2, so decoding let it pass, but it
// could never be answered as JSON.
func (i *inspection) checkText(file *descriptorpb.FileDescriptorProto) {
	if where := badText(file.ProtoReflect()); where != "" {
		i.malformed("%s is not valid UTF-8", where)
	}
}

// badText names the first field whose text is not UTF-8. The depth of the message is limited by now.
func badText(message protoreflect.Message) (where protoreflect.FullName) {
	message.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case field.IsMap():
			// Descriptors have none; a custom option cannot come in as anything but unknown bytes.
		case field.IsList():
			for j := 0; j < value.List().Len() && where == ""; j++ {
				where = badValue(field, value.List().Get(j))
			}
		default:
			where = badValue(field, value)
		}
		return where == ""
	})
	return where
}

// badValue is badText for one value of a field. Bytes may be anything.
func badValue(field protoreflect.FieldDescriptor, value protoreflect.Value) protoreflect.FullName {
	switch field.Kind() {
	case protoreflect.StringKind:
		if !utf8.ValidString(value.String()) {
			return field.FullName()
		}
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return badText(value.Message())
	default:
	}
	return ""
}
