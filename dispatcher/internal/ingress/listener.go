package ingress

import (
	"net"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher/internal/ingress/place"
)

// Links find the socket below the place of a connection.
var _ link.Wrapper = (*place.Place)(nil)

// Listener gives the connections of a listener places, of which there are so many. A connection that became a link needs none.
func (p *Port) Listener(inner net.Listener) net.Listener {
	return place.Listen(inner, place.Bounds{
		Most: p.limits.Connections, PerAddress: max(0, p.limits.PerAddress), Reserve: reserve(p.limits.Connections),
	})
}

// reserve is how many places there are beyond the others.
func reserve(connections int) int { return max(4, connections/8) }
