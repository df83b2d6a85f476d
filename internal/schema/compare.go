package schema

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Change is one element that two versions of a schema have different.
type Change struct {
	// Rule is the name of the broken rule, as `buf breaking` spells it; "" for what is compatible.
	Rule string
	// Element is the full name of the message, field, enum, service or method, or the path of the file.
	Element string
	// Message says for people what was changed; "" that it differs, of [Skew].
	Message string
}

// Breaking reports a change after which programs of the old and of the new version misunderstand each other, in binary
// or in JSON.
func (c Change) Breaking() bool { return c.Rule != "" }

func (c Change) String() string {
	if c.Breaking() {
		return fmt.Sprintf("%s %s (%s)", c.Element, c.Message, c.Rule)
	}
	return strings.TrimSuffix(c.Element+" "+c.Message, " ")
}

// Compare lists the changes from one version of some files to another, ordered by element. Elements are matched by
// full name wherever they are declared, fields and enum values by number. The rules are the category WIRE_JSON of
// `buf breaking` with RPC_NO_DELETE and PACKAGE_SERVICE_NO_DELETE, because what is called here is a method: a message
// may go as long as nothing needs it, a method may not.
func Compare(before, after []protoreflect.FileDescriptor) []Change {
	return compare(indexFiles(before), indexFiles(after))
}

// CompareServices is Compare for two versions of one service and all the types that its methods reach.
func CompareServices(before, after protoreflect.ServiceDescriptor) []Change {
	return compare(indexService(before), indexService(after))
}

func compare(before, after index) []Change {
	c := &comparison{before: before, after: after}
	c.compareFiles()
	c.compareServices()
	c.compareMessages()
	c.compareExtensions()
	c.compareEnums()
	return c.sorted()
}

// comparison collects the changes between two versions.
type comparison struct {
	before, after index
	skew          bool // neither version is the older one
	changes       []Change
}

func (c *comparison) breaking(rule string, element protoreflect.FullName, format string, args ...any) {
	c.changes = append(c.changes, Change{Rule: rule, Element: string(element), Message: fmt.Sprintf(format, args...)})
}

func (c *comparison) compatible(element protoreflect.FullName, format string, args ...any) {
	c.breaking("", element, format, args...)
}

func (c *comparison) sorted() []Change {
	slices.SortFunc(c.changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.Element, b.Element), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(c.changes)
}

func (c *comparison) compareFiles() {
	for path, before := range c.before.files {
		after, ok := c.after.files[path]
		if ok && before.Package() != after.Package() {
			c.breaking("FILE_SAME_PACKAGE", protoreflect.FullName(path), "changed its package from %q to %q",
				before.Package(), after.Package())
		}
	}
}

// pairs calls same for what both versions have and gone and added for what only one has.
func pairs[K comparable, D any](before, after map[K]D, same func(before, after D), gone, added func(D)) {
	for key, old := range before {
		if now, ok := after[key]; ok {
			same(old, now)
		} else {
			gone(old)
		}
	}
	for key, now := range after {
		if _, ok := before[key]; !ok {
			added(now)
		}
	}
}
