package schema

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/words"
)

// Source is a symbol the way a .proto file declares it, comments included if the collector has them, and the
// extensions of a message.
func Source(d protoreflect.Descriptor, extensions []protoreflect.ExtensionDescriptor) string {
	w := &sourceWriter{}
	w.line("// %s, package %s", d.ParentFile().Path(), d.ParentFile().Package())
	w.declare(d)
	for _, extension := range extensions {
		w.line("")
		w.line("// [%s]", extension.FullName())
		w.declare(extension)
	}
	return w.b.String()
}

// sourceWriter writes indented lines.
type sourceWriter struct {
	b     strings.Builder
	depth int
}

func (w *sourceWriter) line(format string, args ...any) {
	fmt.Fprintf(&w.b, "%s%s\n", strings.Repeat("  ", w.depth), fmt.Sprintf(format, args...))
}

func (w *sourceWriter) block(title string, body func()) {
	w.line("%s {", title)
	w.depth++
	body()
	w.depth--
	w.line("}")
}

func (w *sourceWriter) comment(d protoreflect.Descriptor) {
	text := d.ParentFile().SourceLocations().ByDescriptor(d).LeadingComments
	for line := range strings.Lines(strings.TrimRight(text, "\n")) {
		w.line("//%s", strings.TrimRight(words.Clean(line), " "))
	}
}

func (w *sourceWriter) declare(d protoreflect.Descriptor) {
	if extension, ok := d.(protoreflect.FieldDescriptor); !ok || !extension.IsExtension() {
		w.comment(d) // that of an extension is within its block
	}
	switch d := d.(type) {
	case protoreflect.ServiceDescriptor:
		w.block("service "+string(d.Name()), func() {
			for i := range d.Methods().Len() {
				w.declare(d.Methods().Get(i))
			}
		})
	case protoreflect.MethodDescriptor:
		w.line("rpc %s(%s) returns (%s);", d.Name(),
			streamed(d.IsStreamingClient(), d.Input()), streamed(d.IsStreamingServer(), d.Output()))
	case protoreflect.MessageDescriptor:
		w.block("message "+string(d.Name()), func() { w.members(d) })
	case protoreflect.EnumDescriptor:
		w.block("enum "+string(d.Name()), func() { w.values(d) })
	case protoreflect.FieldDescriptor:
		w.field(d)
	case protoreflect.EnumValueDescriptor:
		w.line("%s = %d;", d.Name(), d.Number())
	}
}

func streamed(stream bool, message protoreflect.MessageDescriptor) string {
	if stream {
		return "stream " + string(message.FullName())
	}
	return string(message.FullName())
}

// members writes the fields, oneofs, and what is declared inside.
func (w *sourceWriter) members(d protoreflect.MessageDescriptor) {
	for i := range d.Messages().Len() {
		if nested := d.Messages().Get(i); !nested.IsMapEntry() {
			w.declare(nested)
		}
	}
	for i := range d.Enums().Len() {
		w.declare(d.Enums().Get(i))
	}
	for i := range d.Fields().Len() {
		field := d.Fields().Get(i)
		oneof := field.ContainingOneof()
		switch {
		case oneof == nil || oneof.IsSynthetic():
			w.declare(field)
		case oneof.Fields().Get(0) == field:
			w.oneof(oneof)
		}
	}
	w.extensionRanges(d)
	for i := range d.Extensions().Len() {
		w.declare(d.Extensions().Get(i))
	}
}

// field writes a field; an extension within what says so.
func (w *sourceWriter) field(d protoreflect.FieldDescriptor) {
	line := func() { w.line("%s %s = %d;", fieldType(d), d.Name(), d.Number()) }
	if !d.IsExtension() {
		line()
		return
	}
	w.block("extend "+string(d.ContainingMessage().FullName()), func() {
		w.comment(d)
		line()
	})
}

// extensionRanges writes the numbers that others may use.
func (w *sourceWriter) extensionRanges(d protoreflect.MessageDescriptor) {
	for i := range d.ExtensionRanges().Len() {
		numbers := d.ExtensionRanges().Get(i) // the end is not in it
		switch first, last := numbers[0], numbers[1]-1; {
		case last >= maxFieldNumber:
			w.line("extensions %d to max;", first)
		case first == last:
			w.line("extensions %d;", first)
		default:
			w.line("extensions %d to %d;", first, last)
		}
	}
}

// maxFieldNumber is the largest number that a field may have.
const maxFieldNumber = 1<<29 - 1

func (w *sourceWriter) oneof(oneof protoreflect.OneofDescriptor) {
	w.comment(oneof)
	w.block("oneof "+string(oneof.Name()), func() {
		for i := range oneof.Fields().Len() {
			w.declare(oneof.Fields().Get(i))
		}
	})
}

func (w *sourceWriter) values(d protoreflect.EnumDescriptor) {
	for i := range d.Values().Len() {
		w.declare(d.Values().Get(i))
	}
}

func fieldType(field protoreflect.FieldDescriptor) string {
	if field.IsMap() {
		return fmt.Sprintf("map<%s, %s>", kindName(field.MapKey()), kindName(field.MapValue()))
	}
	switch {
	case field.IsList():
		return "repeated " + kindName(field)
	case field.Cardinality() == protoreflect.Required:
		return "required " + kindName(field)
	case field.HasOptionalKeyword():
		return "optional " + kindName(field)
	}
	return kindName(field)
}

func kindName(field protoreflect.FieldDescriptor) string {
	switch {
	case field.Message() != nil:
		return string(field.Message().FullName())
	case field.Enum() != nil:
		return string(field.Enum().FullName())
	}
	return field.Kind().String()
}
