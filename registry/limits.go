package registry

import (
	"cmp"

	"github.com/collectiverpc/collective/internal/descriptor"
)

// Limits bounds what requests can bring in; the process's own services are not limited. A zero field means the
// default.
//
// Comments do not count. Of those there may be as much as of the rest; a file whose comments have no room is kept without
// them.
type Limits struct {
	FileBytes    int // of one file, encoded; default 2 MiB
	Dependencies int // imports of one file, and files that one request brings along; default 64
	Depth        int // of messages within messages, and of imports of imports; default 32
	Fields       int // fields, enum values, methods and other declarations of one file; default 50 000, and as many more as FileBytes is larger
	Files        int // of one namespace; default 1000
	Namespaces   int // with registered files; default 1024
	TotalBytes   int // of all registered files, encoded; default 16 MiB, at least two files
}

// orDefaults fills in what is 0. Two defaults follow from the size of a file, so that a larger one can be admitted at all.
func (l Limits) orDefaults() Limits {
	fileBytes := cmp.Or(l.FileBytes, descriptor.FileBytes)
	return Limits{
		FileBytes:    fileBytes,
		Dependencies: cmp.Or(l.Dependencies, descriptor.Dependencies),
		Depth:        cmp.Or(l.Depth, descriptor.Depth),
		Fields:       cmp.Or(l.Fields, descriptor.FieldsOf(fileBytes)),
		Files:        cmp.Or(l.Files, descriptor.Files),
		Namespaces:   cmp.Or(l.Namespaces, 1024),
		TotalBytes:   cmp.Or(l.TotalBytes, max(16<<20, 2*fileBytes)),
	}
}

// forNamespace are the limits of one namespace, with room for so many bytes, and for so many of comments.
func (l Limits) forNamespace(room, comments int) descriptor.Limits {
	return descriptor.Limits{
		FileBytes: l.FileBytes, Dependencies: l.Dependencies, Companions: l.Dependencies,
		Depth: l.Depth, Fields: l.Fields, Files: l.Files, Bytes: room, Comments: comments,
	}
}
