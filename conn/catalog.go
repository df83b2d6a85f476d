package conn

import (
	"iter"
	"time"

	"github.com/collectiverpc/collective/conn/internal/catalog"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// Catalog is what a peer serves, by namespace and procedure. It never changes. Nil serves nothing.
type Catalog struct{ set *catalog.Set }

// nothing is the set of a catalog that is not there.
var nothing = new(catalog.Set)

// NewCatalog indexes and checks a catalog. It refuses one with more than 100 000 methods, with a name that is not
// well formed, or with a method or a schema twice, and names the offender.
func NewCatalog(in *meshv1.Catalog) (*Catalog, error) {
	set, err := catalog.New(in)
	if err != nil {
		return nil, err
	}
	return &Catalog{set}, nil
}

func (c *Catalog) served() *catalog.Set {
	if c == nil || c.set == nil {
		return nothing
	}
	return c.set
}

// Method returns an entry. It is shared: do not modify it.
func (c *Catalog) Method(namespace, procedure string) (*meshv1.CatalogMethod, bool) {
	return c.served().Method(namespace, procedure)
}

// Len is how many methods it has; 0 for nil.
func (c *Catalog) Len() (count int) { return c.served().Len() }

// Files are the hashes of the files that declare what is served in a namespace, dependencies first. They are shared: do
// not modify them.
func (c *Catalog) Files(namespace string) [][]byte { return c.served().Files(namespace) }

// In yields the entries of a namespace in no particular order.
func (c *Catalog) In(namespace string) iter.Seq2[string, *meshv1.CatalogMethod] {
	return c.served().In(namespace)
}

// Changes yields the procedures of a namespace whose entry is another than in a catalog before, or is in only one of the two, in
// no particular order. Of two catalogs that a peer told one after the other it costs time by what changed.
func (c *Catalog) Changes(before *Catalog, namespace string) iter.Seq[string] {
	return c.served().Changes(before.served(), namespace)
}

// expectFor is how long after a restart a peer of an earlier run is expected to say what it serves. Until then nobody
// can tell whether a method that is not known is one of its.
const expectFor = 5 * time.Minute

// knownCatalog is what a connection knows of what its peer serves. It outlives the link: what a peer served is
// unreachable until the peer says otherwise while it serves. A stop, a lost link or a restart withdraws nothing.
type knownCatalog struct {
	catalog *Catalog
	by      string // the session of the peer that told it
	// heard tells that the peer has said what it serves, or that it is leaving, over the path it has now.
	heard bool
	// leaving tells that the peer is stopping.
	leaving bool
	// expected tells that this collector has restarted and has not heard the peer since.
	expected bool
	// entrance tells that the peer takes calls of any method, to route them.
	entrance bool
}

// hear takes what a session of the peer tells.
func (k *knownCatalog) hear(told catalog.Told, session string) {
	k.heard, k.expected, k.leaving = true, false, told.Leaving
	if told.Leaving {
		return
	}
	if k.by = session; k.catalog == nil || k.catalog.set != told.Set {
		k.catalog = &Catalog{told.Set}
	}
}

// unheard is [Peer.Silent] of a peer with a link.
func (k *knownCatalog) unheard() bool { return !k.heard && !k.entrance }

// unreachable is [Peer.Away] of a peer with a link of a session. A link that was replaced within one run of the peer
// leaves no doubt.
func (k *knownCatalog) unreachable(session string) bool {
	return k.leaving || !k.entrance && !k.heard && (k.catalog == nil || k.by != session)
}
