package dispatcher

import (
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
	"github.com/collectiverpc/collective/internal/name"
	"github.com/collectiverpc/collective/internal/schema"
)

// maxVariants is how many schemas of one method are compared with each other. Calls do not go to those beyond.
const maxVariants = 8

// offered is a method in a namespace.
type offered struct{ namespace, service, method string }

// variant is a schema that somebody says a method has.
type variant struct {
	fingerprint uint64
	local       protoreflect.MethodDescriptor // nil if a peer says so
	peer        *peerSchema                   // nil if the peer's schemas are not known
}

// describe is the schema itself; nil if it is not known or has another fingerprint, which nobody need believe.
func (v variant) describe(o offered) protoreflect.MethodDescriptor {
	if v.local != nil {
		return v.local
	}
	found := v.peer.method(o.service, o.method)
	if found == nil || schema.Fingerprint(found) != v.fingerprint {
		return nil
	}
	return found
}

// variantsOf lists the schemas that every method is said to have, here and on the peers that are kept.
func variantsOf(local *hosted.Snapshot, table *conn.Table, known *knownSchemas) map[offered][]variant {
	all := make(map[offered][]variant)
	for namespace, methods := range local.Methods {
		for _, m := range methods {
			if m.Schema != nil {
				all[offered{namespace, m.Service, m.Name}] = []variant{{fingerprint: m.Fingerprint, local: m.Schema}}
			}
		}
	}
	for _, peer := range table.Peers() {
		for _, namespace := range peer.Shared {
			schemas := known.of(peer.ID, namespace)
			for procedure, m := range peer.Catalog.In(namespace) {
				service, method, err := name.SplitProcedure(procedure)
				if err != nil || m.GetFingerprint() == 0 {
					continue
				}
				o, v := offered{namespace, service, method}, variant{fingerprint: m.GetFingerprint(), peer: schemas}
				if there := all[o]; len(there) == 0 || there[len(there)-1] != v { // peers with the same files share them
					all[o] = append(there, v)
				}
			}
		}
	}
	return all
}

// compareSchemas compares whatever schemas of one method there are, those aside of which old has a Comparison. It may take long:
// it runs beside the calls, which look its comparisons up.
func compareSchemas(all map[offered][]variant, old map[pair]routing.Comparison) map[pair]routing.Comparison {
	comparisons := make(map[pair]routing.Comparison)
	for o, said := range all {
		if schemas := distinct(o, said); len(schemas) > 1 {
			compareAll(schemas, old, comparisons)
		}
	}
	return comparisons
}

// distinct are the schemas of a method by fingerprint, if there is more than one; nil for one that is not known.
func distinct(o offered, said []variant) map[uint64]protoreflect.MethodDescriptor {
	schemas := make(map[uint64]protoreflect.MethodDescriptor, 1)
	for _, v := range said {
		if _, ok := schemas[v.fingerprint]; ok || len(schemas) < maxVariants {
			schemas[v.fingerprint] = nil
		}
	}
	if len(schemas) < 2 {
		return nil
	}
	for _, v := range said {
		if found, ok := schemas[v.fingerprint]; ok && found == nil {
			schemas[v.fingerprint] = v.describe(o)
		}
	}
	return schemas
}

func compareAll(schemas map[uint64]protoreflect.MethodDescriptor, old, comparisons map[pair]routing.Comparison) {
	for ours, a := range schemas {
		for theirs, b := range schemas {
			p := pair{ours, theirs}
			if known, ok := old[p]; ok {
				comparisons[p] = known
			} else if ours != theirs && a != nil && b != nil {
				comparisons[p] = comparisonOf(schema.Skew(a, b))
			}
		}
	}
}
