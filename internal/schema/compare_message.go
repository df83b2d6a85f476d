package schema

import (
	"google.golang.org/protobuf/reflect/protoreflect"
)

// compareMessages does not mind that a message is gone: nobody misses one that no field and no method needs, and what
// needed it has changed its type.
func (c *comparison) compareMessages() {
	pairs(c.before.messages, c.after.messages, c.compareMessage,
		func(gone protoreflect.MessageDescriptor) { c.messageNote(gone, "is gone") },
		func(added protoreflect.MessageDescriptor) { c.messageNote(added, "is new") })
}

// messageNote says nothing of map entries: nobody wrote them, and their field tells.
func (c *comparison) messageNote(message protoreflect.MessageDescriptor, note string) {
	if !message.IsMapEntry() {
		c.compatible(message.FullName(), "%s", note)
	}
}

// compareMessage matches fields by number, as binary does. A number that changed its field is two changes then: one of name,
// one of type.
func (c *comparison) compareMessage(before, after protoreflect.MessageDescriptor) {
	if fullJSON(before) && !fullJSON(after) {
		c.breaking("MESSAGE_SAME_JSON_FORMAT", after.FullName(), "no longer has a JSON format in every language")
	}
	c.compareReservedFields(before, after)
	pairs(byNumber(before.Fields()), byNumber(after.Fields()), c.compareField,
		func(gone protoreflect.FieldDescriptor) { c.fieldGone(gone, after) }, c.fieldAdded)
}

// compareReservedFields keeps what the authors reserved: old programs may still send it, so nobody may give it a new meaning.
func (c *comparison) compareReservedFields(before, after protoreflect.MessageDescriptor) {
	if gap, ok := firstGap(fieldSpans(before.ReservedRanges()), fieldSpans(after.ReservedRanges())); ok {
		c.breaking("RESERVED_MESSAGE_NO_DELETE", after.FullName(), "no longer reserves the number %d", gap)
	}
	for name := range elements(before.ReservedNames()) {
		if !after.ReservedNames().Has(name) {
			c.breaking("RESERVED_MESSAGE_NO_DELETE", after.FullName(), "no longer reserves the name %q", name)
		}
	}
}

// fieldGone wants the number and the name of a field reserved that is gone: the next one who takes either would read what
// old programs write as something else.
func (c *comparison) fieldGone(gone protoreflect.FieldDescriptor, after protoreflect.MessageDescriptor) {
	reserved := true
	if !after.ReservedRanges().Has(gone.Number()) {
		reserved = false
		c.breaking("FIELD_NO_DELETE_UNLESS_NUMBER_RESERVED", gone.FullName(),
			"is gone, and its number %d is not reserved", gone.Number())
	}
	if !after.ReservedNames().Has(gone.Name()) {
		reserved = false
		c.breaking("FIELD_NO_DELETE_UNLESS_NAME_RESERVED", gone.FullName(), "is gone, and its name is not reserved")
	}
	if reserved {
		c.compatible(gone.FullName(), "is gone, its name and number %d are reserved", gone.Number())
	}
	if gone.Cardinality() == protoreflect.Required {
		c.breaking("MESSAGE_SAME_REQUIRED_FIELDS", gone.FullName(), "was required and is gone")
	}
}

// fieldAdded allows every new field but a required one, without which old programs write their messages.
func (c *comparison) fieldAdded(added protoreflect.FieldDescriptor) {
	if added.Cardinality() == protoreflect.Required {
		c.breaking("MESSAGE_SAME_REQUIRED_FIELDS", added.FullName(), "is new and required")
		return
	}
	c.compatible(added.FullName(), "is new, number %d", added.Number())
}

// compareExtensions compares extensions by the message that they extend and their number, wherever they are declared. One
// may go without being reserved: its number belongs to the extended message, which keeps the range.
func (c *comparison) compareExtensions() {
	pairs(c.before.extensions, c.after.extensions, c.compareField,
		func(gone protoreflect.FieldDescriptor) { c.compatible(gone.FullName(), "is gone") },
		func(added protoreflect.FieldDescriptor) {
			c.compatible(added.FullName(), "is new, number %d", added.Number())
		})
}

// byNumber is the fields of a message as binary tells them apart.
func byNumber(fields protoreflect.FieldDescriptors) map[protoreflect.FieldNumber]protoreflect.FieldDescriptor {
	numbered := make(map[protoreflect.FieldNumber]protoreflect.FieldDescriptor, fields.Len())
	for field := range elements(fields) {
		numbered[field.Number()] = field
	}
	return numbered
}
