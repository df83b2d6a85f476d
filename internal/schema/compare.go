package schema

import "google.golang.org/protobuf/reflect/protoreflect"

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

// compare applies all rules. Their order does not matter, the changes are sorted.
func compare(before, after index) []Change {
	c := &comparison{before: before, after: after}
	c.compareFiles()
	c.compareServices()
	c.compareMessages()
	c.compareExtensions()
	c.compareEnums()
	return c.sorted()
}

// compareFiles does not mind files that come or go: nothing on the wire names a file. But its package is part of the names
// of all it declares.
func (c *comparison) compareFiles() {
	for path, before := range c.before.files {
		after, ok := c.after.files[path]
		if ok && before.Package() != after.Package() {
			c.breaking("FILE_SAME_PACKAGE", protoreflect.FullName(path), "changed its package from %q to %q",
				before.Package(), after.Package())
		}
	}
}
