package registry

import "github.com/collectiverpc/collective/internal/descriptor"

// change is what is different in a namespace after a request; the store keeps it.
type change struct {
	index    *namespaceIndex
	files    []*descriptor.File // new or different
	services []*service         // registered; new or different
	dropped  []string           // full names of registered services that are gone
	removed  []string           // paths of files that are gone, with the last service that needed them
}

// empty reports that the store has nothing to write: the request said what is there.
func (c *change) empty() bool { return len(c.files)+len(c.services)+len(c.dropped)+len(c.removed) == 0 }
