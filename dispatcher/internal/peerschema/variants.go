package peerschema

import (
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	"github.com/collectiverpc/collective/internal/name"
	"github.com/collectiverpc/collective/internal/rest"
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
	peer        *Schema                       // nil if the peer's schemas are not known
}

// describe is the schema itself; nil if it is not known or has another fingerprint, which nobody need believe.
func (v variant) describe(o offered) protoreflect.MethodDescriptor {
	if v.local != nil {
		return v.local
	}
	found := v.peer.Method(o.service, o.method)
	if found == nil || schema.Fingerprint(found) != v.fingerprint {
		return nil
	}
	return found
}

// variantsOf lists the schemas that every method is said to have, here and on the peers that are kept.
func variantsOf(local *hosted.Snapshot, table *conn.Table, known *Known, work *rest.Work) map[offered][]variant {
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
			schemas := known.Of(peer.ID, namespace)
			for procedure, m := range peer.Catalog.In(namespace) {
				work.Step()
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
