package registry

import "cmp"

// Limits bounds what requests can bring in; the process's own services are not limited. A zero field means the
// default.
type Limits struct {
	FileBytes    int // of one file, encoded; default 256 KiB
	Dependencies int // imports of one file, and files that one request brings along; default 64
	Depth        int // of messages within messages, and of imports of imports; default 32
	Fields       int // fields, enum values, methods and other declarations of one file; default 10 000
	Files        int // of one namespace; default 1000
	Namespaces   int // with registered files; default 1024
	TotalBytes   int // of all registered files, encoded; default 64 MiB
}

func (l Limits) orDefaults() Limits {
	return Limits{
		FileBytes:    cmp.Or(l.FileBytes, 256<<10),
		Dependencies: cmp.Or(l.Dependencies, 64),
		Depth:        cmp.Or(l.Depth, 32),
		Fields:       cmp.Or(l.Fields, 10_000),
		Files:        cmp.Or(l.Files, 1000),
		Namespaces:   cmp.Or(l.Namespaces, 1024),
		TotalBytes:   cmp.Or(l.TotalBytes, 64<<20),
	}
}
