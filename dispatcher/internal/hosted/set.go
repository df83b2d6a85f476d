package hosted

import (
	"sync/atomic"

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

// Replace makes a change the one that is served. Callers take turns.
// Who reads meanwhile sees the old or the new snapshot, never a part of either. spaces must not change any more.
func (s *Set) Replace(spaces map[string]map[string]*Method) *Snapshot {
	old := s.Current.Load()
	next := NewSnapshot(old.revision+1, spaces)
	next.Files = old.Files.next(spaces, s.sources)
	s.Current.Store(next)
	close(old.Replaced)
	return next
}

// Lookup finds a method that is registered now.
func (s *Set) Lookup(namespace, procedure string) (*Method, bool) {
	m, ok := s.Current.Load().Methods[namespace][procedure]
	return m, ok
}
