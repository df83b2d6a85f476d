package observe

import (
	"time"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// selection is a filter with bounds of time.
type selection struct {
	filter
	from, to time.Time // zero: no bound
}

// newSelection is what a request asks for. Both of its bounds are included.
func newSelection(req *meshv1.ListDispatchesRequest) selection {
	s := selection{filter: newFilter(req.GetFilter())}
	if req.GetFrom() != nil {
		s.from = req.GetFrom().AsTime()
	}
	if req.GetTo() != nil {
		s.to = req.GetTo().AsTime()
	}
	return s
}

// selects judges a call from memory; where does it with those in the archive.
func (s selection) selects(c *Call) bool {
	if !s.from.IsZero() && c.Start.Before(s.from) || !s.to.IsZero() && c.Start.After(s.to) {
		return false
	}
	return s.filter.selects(c)
}
