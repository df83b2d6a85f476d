package peerschema

import (
	"maps"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	"github.com/collectiverpc/collective/internal/rest"
)

// looked is what schemas were compared of. What changes since is looked at alone: only where a method has several schemas there is
// something to compare. The zero value was compared of nothing. It is for one goroutine.
type looked struct {
	local    *hosted.Snapshot
	schemas  map[Source]*Schema
	catalogs map[Source]*conn.Catalog
}

// covers notes what there is now, and reports whether the comparisons of before are those of now, perhaps with some that nobody
// needs any more.
func (l *looked) covers(local *hosted.Snapshot, table *conn.Table, known *Known, work *rest.Work) bool {
	before := *l
	l.note(local, table, known)
	if before.local == nil || !maps.Equal(before.schemas, known.schemas) {
		return false
	}
	for namespace, methods := range local.Methods {
		was := before.local.Methods[namespace]
		for procedure, m := range methods {
			work.Step()
			if was[procedure] != m && disputed(local, table, namespace, procedure) {
				return false
			}
		}
	}
	for source, catalog := range l.catalogs {
		for procedure := range catalog.Changes(before.catalogs[source], source.Namespace) {
			work.Step()
			if disputed(local, table, source.Namespace, procedure) {
				return false
			}
		}
	}
	return true
}

// note changes no map of before, which covers still compares with. Catalogs and schemas never change, so that it is
// enough to hold on to them.
func (l *looked) note(local *hosted.Snapshot, table *conn.Table, known *Known) {
	l.local, l.schemas = local, known.schemas
	l.catalogs = make(map[Source]*conn.Catalog)
	for _, peer := range table.Peers() {
		for _, namespace := range peer.Shared {
			l.catalogs[Source{peer.ID, namespace}] = peer.Catalog
		}
	}
}

// disputed reports whether a method is said to have several schemas.
func disputed(local *hosted.Snapshot, table *conn.Table, namespace, procedure string) bool {
	first := uint64(0)
	if m := local.Methods[namespace][procedure]; m != nil && m.Schema != nil {
		first = m.Fingerprint
	}
	for _, peer := range table.Peers() {
		m, _ := peer.Method(namespace, procedure)
		switch fingerprint := m.GetFingerprint(); fingerprint {
		case 0, first:
		default:
			if first != 0 {
				return true
			}
			first = fingerprint
		}
	}
	return false
}
