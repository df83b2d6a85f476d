package admission

import "github.com/collectiverpc/collective/dispatcher/internal/endpoint"

// Policy is what all gates of a collector go by. It must not change.
type Policy struct {
	// Calls of a method run at once; 0 for as many as the collector finishes in time, and less than 0 for all.
	Calls int32
	Clock endpoint.Clock
}
