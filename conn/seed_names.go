package conn

import "github.com/collectiverpc/collective/store"

// ConnectionManager is the seed's name of [Manager].
type ConnectionManager = Manager

// NewConnectionManager is the seed's spelling of [NewManager] without options but [WithStore]. sessionID must be unique
// per run of the process; empty means a new UUIDv7. coll, in place of the seed's collection of records, may be nil: then a
// restart forgets the connections. The seed returns no error, and takes any name.
func NewConnectionManager(
	collectorID, address string, namespaces []string, sessionID string, coll *store.Store,
) (*ConnectionManager, error) {
	self := Self{ID: collectorID, Address: address, Namespaces: namespaces, SessionID: sessionID}
	if coll == nil {
		return NewManager(self)
	}
	return NewManager(self, WithStore(NewFileStore(coll)))
}
