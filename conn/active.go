package conn

import (
	"time"

	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
)

// ActiveConnection is a connection whose peer can be called now.
type ActiveConnection struct {
	ConnectionID string
	// Client calls the peer's own dispatcher service, over whatever link the connection has at the time of the call.
	Client collectorconnect.CollectiveDispatcherClient
	// LastActivity is when the last call crossed, to the second.
	LastActivity time.Time
	// IsInitiator tells that this collector dialled the connection.
	IsInitiator bool
	// Connection is a copy of the record.
	Connection *collector.Connection
	Peer       *Peer
}
