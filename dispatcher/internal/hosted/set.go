package hosted

import (
	"sync/atomic"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/descriptor"
)

// Set is what is registered here. Readers take the snapshot of the moment; changes come one at a time.
type Set struct {
	sources *descriptor.Sources
	Current atomic.Pointer[Snapshot]
}

// NewSet is a set of no methods. sources has the comments of files that are compiled in without; nil for none.
func NewSet(sources *descriptor.Sources) *Set {
	s := &Set{sources: sources}
	s.Current.Store(NewSnapshot(0, map[string]map[string]*Method{}))
	return s
}

// Snapshot is what is registered now.
func (s *Set) Snapshot() *Snapshot { return s.Current.Load() }

// Change makes a change the one that is served, and says it as peers are told. Callers take turns, and have checked it: what is
// added is not there, and what goes is.
// Who reads meanwhile sees the old or the new snapshot, never a part of either.
func (s *Set) Change(added, gone []*Method) (*Snapshot, *meshv1.Catalog) {
	old := s.Current.Load()
	next := NewSnapshot(old.revision+1, with(without(old.Methods, gone), added))
	changes := &meshv1.Catalog{Revision: next.revision}
	for _, m := range gone {
		changes.Methods = append(changes.Methods, &meshv1.CatalogMethod{Namespace: m.Namespace, Procedure: m.Spec.Procedure, Removed: true})
	}
	for _, m := range added {
		changes.Methods = append(changes.Methods, m.catalogMethod())
	}
	next.Files, changes.Schemas = old.Files.next(added, gone, s.sources)
	s.Current.Store(next)
	close(old.Replaced)
	return next, changes
}

// Lookup finds a method that is registered now.
func (s *Set) Lookup(namespace, procedure string) (*Method, bool) {
	m, ok := s.Current.Load().Methods[namespace][procedure]
	return m, ok
}
