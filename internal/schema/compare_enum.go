package schema

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// compareEnums does not mind that an enum is gone, as with messages.
func (c *comparison) compareEnums() {
	pairs(c.before.enums, c.after.enums, c.compareEnum,
		func(gone protoreflect.EnumDescriptor) { c.compatible(gone.FullName(), "is gone") },
		func(added protoreflect.EnumDescriptor) { c.compatible(added.FullName(), "is new") })
}

// compareEnum matches values by number, as binary does. New ones are compatible: readers keep a number that they do not
// know, in a closed enum among the unknown fields.
func (c *comparison) compareEnum(before, after protoreflect.EnumDescriptor) {
	if fullJSON(before) && !fullJSON(after) {
		c.breaking("ENUM_SAME_JSON_FORMAT", after.FullName(), "no longer has a JSON format in every language")
	}
	c.compareReservedValues(before, after)
	pairs(valuesByNumber(before), valuesByNumber(after),
		func(was, is enumNumber) { c.compareValue(after, was, is) },
		func(gone enumNumber) { c.valueGone(gone, after) },
		func(added enumNumber) {
			c.compatible(after.FullName(), "has a new value %s = %d", strings.Join(added.names, ", "), added.number)
		})
}

// enumNumber is a number of an enum with its names: several if they are aliases.
type enumNumber struct {
	number protoreflect.EnumNumber
	names  []string // sorted
}

// valuesByNumber is the values of an enum as binary tells them apart.
func valuesByNumber(enum protoreflect.EnumDescriptor) map[protoreflect.EnumNumber]enumNumber {
	numbered := make(map[protoreflect.EnumNumber]enumNumber)
	for value := range elements(enum.Values()) {
		names := append(numbered[value.Number()].names, string(value.Name()))
		slices.Sort(names)
		numbered[value.Number()] = enumNumber{value.Number(), names}
	}
	return numbered
}

// compareValue allows further aliases, but none to go: JSON has the name. In a skew either side may be the one with more
// aliases, since which one is older is unknown.
func (c *comparison) compareValue(enum protoreflect.EnumDescriptor, was, is enumNumber) {
	if containsAll(is.names, was.names) || c.skew && containsAll(was.names, is.names) {
		return
	}
	c.breaking("ENUM_VALUE_SAME_NAME", enum.FullName(), "names the value %d no longer %s but %s",
		was.number, strings.Join(was.names, ", "), strings.Join(is.names, ", "))
}

// containsAll reports whether all wanted strings are in the set.
func containsAll(set, wanted []string) bool {
	return !slices.ContainsFunc(wanted, func(name string) bool { return !slices.Contains(set, name) })
}

// valueGone wants the number and every name reserved, for the same reason as that of a field: the number is what binary
// has, the name what JSON has.
func (c *comparison) valueGone(gone enumNumber, enum protoreflect.EnumDescriptor) {
	reserved := true
	if !enum.ReservedRanges().Has(gone.number) {
		reserved = false
		c.breaking("ENUM_VALUE_NO_DELETE_UNLESS_NUMBER_RESERVED", enum.FullName(),
			"lost the value %s, and its number %d is not reserved", strings.Join(gone.names, ", "), gone.number)
	}
	for _, name := range gone.names {
		if !enum.ReservedNames().Has(protoreflect.Name(name)) {
			reserved = false
			c.breaking("ENUM_VALUE_NO_DELETE_UNLESS_NAME_RESERVED", enum.FullName(),
				"lost the value %s, and that name is not reserved", name)
		}
	}
	if reserved {
		c.compatible(enum.FullName(), "lost the value %s, its name and number %d are reserved",
			strings.Join(gone.names, ", "), gone.number)
	}
}

// compareReservedValues keeps what the authors reserved, as with fields.
func (c *comparison) compareReservedValues(before, after protoreflect.EnumDescriptor) {
	if gap, ok := firstGap(enumSpans(before.ReservedRanges()), enumSpans(after.ReservedRanges())); ok {
		c.breaking("RESERVED_ENUM_NO_DELETE", after.FullName(), "no longer reserves the number %d", gap)
	}
	for name := range elements(before.ReservedNames()) {
		if !after.ReservedNames().Has(name) {
			c.breaking("RESERVED_ENUM_NO_DELETE", after.FullName(), "no longer reserves the name %q", name)
		}
	}
}
