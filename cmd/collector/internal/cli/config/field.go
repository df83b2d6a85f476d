package config

import (
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/reflect/protoreflect"

	configv1 "github.com/collectiverpc/collective/cmd/collector/internal/cli/config/gen/collector/config/v1"
)

// fields are those of the message, in its order.
func fields() protoreflect.FieldDescriptors {
	return new(configv1.Config).ProtoReflect().Descriptor().Fields()
}

// fieldNamed finds a field by its name, or by that of proto JSON; nil for none.
func fieldNamed(name string) protoreflect.FieldDescriptor {
	if field := fields().ByName(protoreflect.Name(name)); field != nil {
		return field
	}
	return fields().ByJSONName(name)
}

// flagOf is the name of the flag of a field.
func flagOf(field protoreflect.FieldDescriptor) string {
	return strings.ReplaceAll(string(field.Name()), "_", "-")
}

// alike are other words for fields that are short.
var alike = map[string][]string{"ns": {"namespace", "namespaces"}, "db": {"store", "database"}, "id": {"name", "collector"}}

// suggestion names the field that was probably meant.
func suggestion(wrong string) string {
	commands := &cobra.Command{SuggestionsMinimumDistance: 2} // which knows how far words are apart
	for i := range fields().Len() {
		name := string(fields().Get(i).Name())
		commands.AddCommand(&cobra.Command{Use: name, SuggestFor: alike[name], Run: func(*cobra.Command, []string) {}})
	}
	if near := commands.SuggestionsFor(strings.ReplaceAll(strings.TrimLeft(wrong, "-"), "-", "_")); len(near) > 0 {
		return ": is it " + near[0] + "?"
	}
	return ": leave it out; docs/configuration.md has all of them"
}

// kindOf is what a value looks like, for people.
func kindOf(field protoreflect.FieldDescriptor) string {
	switch {
	case field.IsList():
		return "a list, such as [a, b]"
	case field.Message() != nil:
		return "a duration, such as 10s"
	case field.Kind() == protoreflect.BoolKind:
		return "true or false"
	case field.Kind() == protoreflect.StringKind:
		return "a text"
	}
	return "a whole number"
}
