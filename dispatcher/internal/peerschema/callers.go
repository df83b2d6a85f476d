package peerschema

import (
	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
	"github.com/collectiverpc/collective/internal/cow"
	"github.com/collectiverpc/collective/internal/name"
	"github.com/collectiverpc/collective/internal/schema"
	"github.com/collectiverpc/collective/mesh"
)

// Callers compares what clients in this process were generated from with what peers serve: once for each pair.
// The zero value is ready to use.
type Callers struct {
	compared cow.Map[callerPair, routing.Comparison]
}

// callerPair is a client's schema of a method and the fingerprint of a peer's.
type callerPair struct {
	ours   protoreflect.MethodDescriptor
	theirs uint64
}

// maxCallerPairs bounds what is remembered. Beyond it all is forgotten.
const maxCallerPairs = 4096

// Skew is what a client and peers come to; the zero Comparison, which breaks nothing, if that is not known.
// The schemas are compared once and looked up by every later call, so a client that is generated anew costs one comparison.
// Only the peer that is tried first is judged: the others that are tried after it have the same schema or one that the
// router found compatible.
func (c *Callers) Skew(schemas *Known, e *routing.Entry, d *routing.Decision, namespace string, spec connect.Spec) routing.Comparison {
	ours, ok := spec.Schema.(protoreflect.MethodDescriptor)
	if !ok || ours == nil || e == nil || d.Len() == 0 || d.Seed {
		return routing.Comparison{}
	}
	p := callerPair{ours, e.Fingerprint}
	if len(e.Variants) > 0 {
		m, _ := d.Peer(0).Method(namespace, e.Procedure)
		p.theirs = m.GetFingerprint()
	}
	if found, ok := c.compared.Get(p); ok {
		return found
	}
	return c.compare(schemas.Of(d.Peer(0).ID, namespace), e, p)
}

// compare compares and remembers. Calls may do the same at once, which costs time and nothing else; the lock is held only
// to replace the map. Equal fingerprints need no schema at all.
func (c *Callers) compare(known *Schema, e *routing.Entry, p callerPair) routing.Comparison {
	var found routing.Comparison
	if p.theirs != 0 && schema.Fingerprint(p.ours) != p.theirs {
		theirs := known.Method(e.Service, e.Method)
		if theirs == nil || schema.Fingerprint(theirs) != p.theirs {
			return routing.Comparison{} // not known yet: the next call asks again
		}
		found = CompareChanges(schema.Skew(p.ours, theirs))
	}
	c.compared.Remember(p, found, maxCallerPairs)
	return found
}

// RefuseCaller refuses a call of a client in this process that the peer would misunderstand.
// It is a failed precondition rather than a bad request: the caller's message is fine, its program has to be built anew.
func RefuseCaller(d *routing.Decision, e *routing.Entry, found routing.Comparison) *refusal.Refusal {
	service, _, _ := name.SplitProcedure(e.Procedure)
	return refusal.New(connect.CodeFailedPrecondition, mesh.ReasonSchemaIncompatible,
		"the client was generated from another schema of "+service+" than collector "+refusal.Quoted(d.Peer(0).ID)+" has: "+found.Text)
}
