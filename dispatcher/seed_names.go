package dispatcher

import (
	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/store"
)

// The seed has one package, named dispatch, for what is here in packages dispatcher and conn. docs/seed.md has the table
// of what differs.
type (
	// ConnectionManager is the seed's name of [conn.Manager].
	ConnectionManager = conn.Manager
	// ActiveConnection is a connection that is up, see [conn.ActiveConnection].
	ActiveConnection = conn.ActiveConnection
)

// NewConnectionManager is [conn.NewConnectionManager], for a program that needs connections and no dispatcher: who is
// connected, and clients for their services. It runs no calls of others.
func NewConnectionManager(
	collectorID, address string, namespaces []string, sessionID string, coll *store.Store,
) (*ConnectionManager, error) {
	return conn.NewConnectionManager(collectorID, address, namespaces, sessionID, coll)
}

// NewDispatcher is the seed's spelling of [New] without options.
func NewDispatcher(collectorID, address string, namespaces []string) (*Dispatcher, error) {
	return New(collectorID, address, namespaces)
}

// NewDispatcherWithRegistry is the seed's spelling of [New] with [WithRegistry] and [WithStore]. coll may be nil.
func NewDispatcherWithRegistry(
	collectorID, address string, namespaces []string, validator RegistryValidator, coll *store.Store,
) (*Dispatcher, error) {
	return New(collectorID, address, namespaces, WithRegistry(validator), WithStore(coll))
}

// GetConnectionManager is the seed's spelling of [Dispatcher.Connections].
func (d *Dispatcher) GetConnectionManager() *ConnectionManager { return d.conns }
