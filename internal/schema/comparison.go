package schema

import (
	"cmp"
	"fmt"
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// comparison collects the changes between two versions. The rules are methods of it, one file for each kind of element; each
// adds what it finds and none looks at what others have found. It is used once, by one goroutine.
type comparison struct {
	before, after index
	skew          bool     // neither version is the older one
	changes       []Change // in no order, possibly twice; see sorted
}

// breaking notes a change that breaks a rule. An empty rule would make it a compatible one.
func (c *comparison) breaking(rule string, element protoreflect.FullName, format string, args ...any) {
	c.changes = append(c.changes, Change{Rule: rule, Element: string(element), Message: fmt.Sprintf(format, args...)})
}

// compatible notes a change that everybody survives. It is told all the same: who registers a schema sees what it does.
func (c *comparison) compatible(element protoreflect.FullName, format string, args ...any) {
	c.breaking("", element, format, args...)
}

// sorted are the changes in an order that does not depend on that of any map, each once: an enum that two fields hold would
// otherwise be told twice.
func (c *comparison) sorted() []Change {
	slices.SortFunc(c.changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.Element, b.Element), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(c.changes)
}

// pairs calls same for what both versions have and gone and added for what only one has, in no order. What identifies an
// element in both, its number or its name, is the key of the maps.
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
