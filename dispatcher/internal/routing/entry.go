package routing

import (
	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher/internal/endpoint"
	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/name"
)

// Entry is a procedure in a namespace with everyone who serves it.
type Entry struct {
	Procedure, Service, Method string
	Input, Output              string
	Stream                     connect.StreamType
	Idempotency                connect.IdempotencyLevel
	Fingerprint                uint64         // of the schema that the method has here; 0 if unknown
	Owner                      string         // the collector that has that schema
	Local                      *hosted.Method // nil if it is not registered here
	Peers                      []*RoutePeer
	pool                       *pool        // of Peers; nil if there is no choice
	unreachable                []*RoutePeer // served it before the connection was lost
	Incompatible               []skewed     // serve something else under this name: calls do not go there
	Variants                   []skewed     // have another schema of it that is compatible
}

// skewed is a peer whose schema of a method is not the one that the method has here.
type skewed struct {
	*RoutePeer
	reason     string
	compatible bool
	// Pending tells that the two could not be compared yet.
	Pending bool
}

// offer is a method of a peer.
type offer struct {
	routePeer *RoutePeer
	method    *meshv1.CatalogMethod
}

// newEntry is the entry of a procedure that is not registered here, as the peer has it whose offer decides.
func newEntry(procedure string, o offer) *Entry {
	m := o.method
	service, method, err := name.SplitProcedure(procedure)
	if err != nil { // conn checks catalogs; a peer of a test may not
		service, method = procedure, ""
	}
	return &Entry{
		Procedure: procedure, Service: service, Method: method,
		Input: m.GetInputType(), Output: m.GetOutputType(),
		Stream: streamType(m), Idempotency: connect.IdempotencyLevel(m.GetIdempotencyLevel()),
		Fingerprint: m.GetFingerprint(), Owner: o.routePeer.ID,
	}
}

// endpointOf is what is known of a peer that serves it; nil if no other does. e may be nil.
func (e *Entry) endpointOf(p *RoutePeer) *endpoint.Endpoint {
	if e == nil {
		return nil
	}
	return e.pool.endpointOf(p)
}

// untyped reports that the method takes the Any of an envelope as it is.
func (e *Entry) untyped() bool { return e.Input == hosted.AnyType }

// streamType is the kind of a method of a peer.
func streamType(m *meshv1.CatalogMethod) connect.StreamType {
	return hosted.StreamType(m.GetClientStreaming(), m.GetServerStreaming())
}

// Schemas is what is known of the schemas of peers.
type Schemas interface {
	// Compare is what two schemas of a method come to, by their fingerprints; false if that is not known.
	Compare(ours, theirs uint64) (Comparison, bool)
	// Missing says why the schemas of a peer in a namespace are not known, as the end of a sentence.
	Missing(collector, namespace string) string
}

// Comparison is what two schemas of one method come to. It is small, however much they differ.
type Comparison struct {
	Breaks bool   // they misunderstand each other
	Text   string // in what; of compatible ones what differs, "" if it is nothing that anybody sees
}
