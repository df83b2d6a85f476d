package conn

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/name"
	"github.com/collectiverpc/collective/internal/rest"
)

// Bounds of a catalog. A peer that exceeds them keeps the catalog it had.
const (
	maxCatalogBytes   = 4 << 20
	maxCatalogMethods = 100_000
	maxTypeName       = 512
	maxSchemaFiles    = 10_000
)

// Catalog is what a peer serves, by namespace and procedure. It never changes.
type Catalog struct {
	leaving bool
	count   int // of methods
	methods map[string]map[string]*meshv1.CatalogMethod
	schemas map[string]*meshv1.CatalogSchema
}

// NewCatalog indexes and checks a catalog. It refuses one with more than 100 000 methods, with a name that is not
// well formed, or with a method or a schema twice, and names the offender.
func NewCatalog(in *meshv1.Catalog) (*Catalog, error) {
	c := newCatalog()
	c.leaving = in.GetLeaving()
	for _, m := range in.GetMethods() {
		if err := c.add(m); err != nil {
			return nil, err
		}
	}
	for _, s := range in.GetSchemas() {
		if err := c.addSchema(s); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func newCatalog() *Catalog {
	return &Catalog{
		methods: make(map[string]map[string]*meshv1.CatalogMethod),
		schemas: make(map[string]*meshv1.CatalogSchema),
	}
}

// Method returns an entry. It is shared: do not modify it.
func (c *Catalog) Method(namespace, procedure string) (*meshv1.CatalogMethod, bool) {
	m, ok := c.methods[namespace][procedure]
	return m, ok
}

// Len is how many methods it has; 0 for nil.
func (c *Catalog) Len() (count int) {
	if c == nil {
		return 0
	}
	for _, methods := range c.methods {
		count += len(methods)
	}
	return count
}

// Files are the hashes of the files that declare what is served in a namespace, dependencies first. They are shared: do
// not modify them.
func (c *Catalog) Files(namespace string) [][]byte {
	if c == nil {
		return nil
	}
	return c.schemas[namespace].GetFileHashes()
}

// In yields the entries of a namespace in no particular order.
func (c *Catalog) In(namespace string) iter.Seq2[string, *meshv1.CatalogMethod] {
	return func(yield func(string, *meshv1.CatalogMethod) bool) {
		if c == nil {
			return
		}
		for procedure, m := range c.methods[namespace] {
			if !yield(procedure, m) {
				return
			}
		}
	}
}

func (c *Catalog) add(m *meshv1.CatalogMethod) error {
	at := c.count
	if c.count++; c.count > maxCatalogMethods {
		return fmt.Errorf("catalog has more than %d methods, which is all that are taken", maxCatalogMethods)
	}
	if err := checkCatalogMethod(m); err != nil {
		return fmt.Errorf("catalog method %d: %w", at, err)
	}
	procedures, ok := c.methods[m.GetNamespace()]
	if !ok {
		procedures = make(map[string]*meshv1.CatalogMethod)
		c.methods[m.GetNamespace()] = procedures
	}
	if _, dup := procedures[m.GetProcedure()]; dup {
		return fmt.Errorf("catalog method %d: %s in namespace %q is listed twice", at, m.GetProcedure(), m.GetNamespace())
	}
	procedures[m.GetProcedure()] = m
	return nil
}

func (c *Catalog) addSchema(s *meshv1.CatalogSchema) error {
	if err := c.checkSchema(s); err != nil {
		return fmt.Errorf("catalog: schema of namespace %.80q: %w", s.GetNamespace(), err)
	}
	c.schemas[s.GetNamespace()] = s
	return nil
}

func (c *Catalog) checkSchema(s *meshv1.CatalogSchema) error {
	if err := name.CheckNamespace(s.GetNamespace()); err != nil {
		return err
	}
	if _, dup := c.schemas[s.GetNamespace()]; dup {
		return errors.New("it is listed twice")
	}
	if n := len(s.GetFileHashes()); n > maxSchemaFiles {
		return fmt.Errorf("it has %d files, at most %d are taken", n, maxSchemaFiles)
	}
	for _, hash := range s.GetFileHashes() {
		if len(hash) != sha256.Size {
			return fmt.Errorf("a file hash has %d bytes, want %d", len(hash), sha256.Size)
		}
	}
	return nil
}

func checkCatalogMethod(m *meshv1.CatalogMethod) error {
	if err := name.CheckNamespace(m.GetNamespace()); err != nil {
		return err
	}
	if _, _, err := name.SplitProcedure(m.GetProcedure()); err != nil {
		return err
	}
	if len(m.GetInputType()) > maxTypeName || len(m.GetOutputType()) > maxTypeName {
		return fmt.Errorf("%s: a type name is longer than %d bytes", m.GetProcedure(), maxTypeName)
	}
	return nil
}

// The fields of a collector.mesh.v1.Catalog.
const (
	fieldMethods = 2
	fieldSchemas = 3
	fieldLeaving = 4
)

// parseCatalog reads what arrived in a CATALOG frame, one method after the other, so that it can rest between them.
func parseCatalog(data []byte, work *rest.Work) (*Catalog, error) {
	if len(data) > maxCatalogBytes {
		return nil, fmt.Errorf("catalog has %d bytes, at most %d are taken", len(data), maxCatalogBytes)
	}
	c := newCatalog()
	for len(data) > 0 {
		work.Step()
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return nil, notACatalog(protowire.ParseError(n))
		}
		size := protowire.ConsumeFieldValue(number, kind, data[n:])
		if size < 0 {
			return nil, notACatalog(protowire.ParseError(size))
		}
		if err := c.read(number, kind, data[n:n+size]); err != nil {
			return nil, err
		}
		data = data[n+size:]
	}
	return c, nil
}

// read reads the value of one field.
func (c *Catalog) read(number protowire.Number, kind protowire.Type, value []byte) error {
	switch {
	case number == fieldMethods && kind == protowire.BytesType:
		m := new(meshv1.CatalogMethod)
		if err := unmarshal(value, m); err != nil {
			return err
		}
		return c.add(m)
	case number == fieldSchemas && kind == protowire.BytesType:
		s := new(meshv1.CatalogSchema)
		if err := unmarshal(value, s); err != nil {
			return err
		}
		return c.addSchema(s)
	case number == fieldLeaving && kind == protowire.VarintType:
		leaving, _ := protowire.ConsumeVarint(value)
		c.leaving = protowire.DecodeBool(leaving)
	}
	return nil
}

func unmarshal(value []byte, m proto.Message) error {
	value, _ = protowire.ConsumeBytes(value)
	if err := (proto.UnmarshalOptions{RecursionLimit: 16, DiscardUnknown: true}).Unmarshal(value, m); err != nil {
		return notACatalog(err)
	}
	return nil
}

func notACatalog(err error) error {
	return fmt.Errorf("catalog is not a collector.mesh.v1.Catalog: %w", err)
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
func (k *knownCatalog) hear(told *Catalog, session string) {
	k.heard, k.expected, k.leaving = true, false, told.leaving
	if !told.leaving {
		k.catalog, k.by = told, session
	}
}

// orEmpty is what is known, if anything is.
func (k *knownCatalog) orEmpty() *Catalog {
	if k.catalog == nil {
		return new(Catalog)
	}
	return k.catalog
}

// unheard is [Peer.Silent] of a peer with a link.
func (k *knownCatalog) unheard() bool { return !k.heard && !k.entrance }

// unreachable is [Peer.Away] of a peer with a link of a session. A link that was replaced within one run of the peer
// leaves no doubt.
func (k *knownCatalog) unreachable(session string) bool {
	return k.leaving || !k.entrance && !k.heard && (k.catalog == nil || k.by != session)
}
