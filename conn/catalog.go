package conn

import (
	"fmt"
	"iter"

	"google.golang.org/protobuf/proto"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/name"
)

// Bounds of a catalog. A peer that exceeds them keeps the catalog it had.
const (
	maxCatalogBytes   = 4 << 20
	maxCatalogMethods = 100_000
	maxTypeName       = 512
)

// Catalog is what a peer serves, by namespace and procedure. It never changes.
type Catalog struct {
	revision uint64
	methods  map[string]map[string]*meshv1.CatalogMethod
}

// NewCatalog indexes and checks a catalog. It refuses one with more than 100 000 methods, with a name that is not
// well formed, or with a method twice, and names the offender.
func NewCatalog(in *meshv1.Catalog) (*Catalog, error) {
	if n := len(in.GetMethods()); n > maxCatalogMethods {
		return nil, fmt.Errorf("catalog has %d methods, at most %d are taken", n, maxCatalogMethods)
	}
	c := &Catalog{revision: in.GetRevision(), methods: make(map[string]map[string]*meshv1.CatalogMethod)}
	for i, m := range in.GetMethods() {
		if err := c.add(m); err != nil {
			return nil, fmt.Errorf("catalog method %d: %w", i, err)
		}
	}
	return c, nil
}

// Revision is the number the peer gave this catalog.
func (c *Catalog) Revision() uint64 { return c.revision }

// Method returns an entry. It is shared: do not modify it.
func (c *Catalog) Method(namespace, procedure string) (*meshv1.CatalogMethod, bool) {
	m, ok := c.methods[namespace][procedure]
	return m, ok
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
	if err := checkCatalogMethod(m); err != nil {
		return err
	}
	procedures, ok := c.methods[m.GetNamespace()]
	if !ok {
		procedures = make(map[string]*meshv1.CatalogMethod)
		c.methods[m.GetNamespace()] = procedures
	}
	if _, dup := procedures[m.GetProcedure()]; dup {
		return fmt.Errorf("%s in namespace %q is listed twice", m.GetProcedure(), m.GetNamespace())
	}
	procedures[m.GetProcedure()] = m
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

// parseCatalog reads what arrived in a CATALOG frame.
func parseCatalog(data []byte) (*Catalog, error) {
	if len(data) > maxCatalogBytes {
		return nil, fmt.Errorf("catalog has %d bytes, at most %d are taken", len(data), maxCatalogBytes)
	}
	in := new(meshv1.Catalog)
	if err := (proto.UnmarshalOptions{RecursionLimit: 16, DiscardUnknown: true}).Unmarshal(data, in); err != nil {
		return nil, fmt.Errorf("catalog is not a collector.mesh.v1.Catalog: %w", err)
	}
	return NewCatalog(in)
}
