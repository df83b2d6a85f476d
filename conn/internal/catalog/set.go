package catalog

import (
	"errors"
	"fmt"
	"iter"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/trie"
)

// Set is what a collector serves. It never changes, and its messages are shared: they are not to be modified. The zero value is
// empty.
type Set struct {
	spaces trie.Map[*space]
	count  int    // of methods
	digest uint64 // of all that is in it
}

// space is what is served in one namespace.
type space struct {
	methods trie.Map[*method]
	schema  *schema // nil for none
	digest  uint64
}

// method is one, shared by all sets that have it: two count as the same only if they are the same memory.
type method struct {
	*meshv1.CatalogMethod
	encoded []byte // by its collector; nil for a peer's
	hash    uint64 // of how it was encoded
}

// schema names the files of a namespace. A set has none without files.
type schema struct {
	*meshv1.CatalogSchema
	encoded []byte
	hash    uint64
}

// Len is how many methods there are.
func (s *Set) Len() int { return s.count }

// Method is one of them.
func (s *Set) Method(namespace, procedure string) (*meshv1.CatalogMethod, bool) {
	m := s.method(namespace, procedure)
	if m == nil {
		return nil, false
	}
	return m.CatalogMethod, true
}

// method is Method with its hash; nil for none.
func (s *Set) method(namespace, procedure string) *method {
	in, ok := s.spaces.Get(namespace)
	if !ok {
		return nil
	}
	m, _ := in.methods.Get(procedure)
	return m
}

// In are those of a namespace, by procedure.
func (s *Set) In(namespace string) iter.Seq2[string, *meshv1.CatalogMethod] {
	return func(yield func(string, *meshv1.CatalogMethod) bool) {
		in, ok := s.spaces.Get(namespace)
		if !ok {
			return
		}
		for procedure, m := range in.methods.All() {
			if !yield(procedure, m.CatalogMethod) {
				return
			}
		}
	}
}

// Changes are the procedures of a namespace that differ from those of another set, in the time that it takes to name them if the
// one was made of the other.
func (s *Set) Changes(before *Set, namespace string) iter.Seq[string] {
	var now, then trie.Map[*method]
	if in, ok := s.spaces.Get(namespace); ok {
		now = in.methods
	}
	if in, ok := before.spaces.Get(namespace); ok {
		then = in.methods
	}
	return now.Changes(then)
}

// Files are the hashes of the files of a namespace.
func (s *Set) Files(namespace string) [][]byte {
	if in, ok := s.spaces.Get(namespace); ok && in.schema != nil {
		return in.schema.GetFileHashes()
	}
	return nil
}

// Draft makes the next set of one. It is for one goroutine.
// A namespace is opened when something in it is changed first, so that the others cost nothing. After an error a draft is given up: it
// may have a part of what was refused.
type Draft struct {
	spaces trie.Map[*space]
	open   map[string]*spaceDraft
	count  int
	digest uint64
}

type spaceDraft struct {
	methods *trie.Edit[*method]
	schema  *schema
	digest  uint64
}

// Draft begins with what the set has.
func (s *Set) Draft() *Draft {
	return &Draft{spaces: s.spaces, open: make(map[string]*spaceDraft), count: s.count, digest: s.digest}
}

// Set is what has been made.
// A draft may go on after that, and what it changes then is not in the set.
func (d *Draft) Set() *Set {
	spaces := d.spaces.Edit()
	for namespace, in := range d.open {
		methods := in.methods.Map()
		if methods.Len() == 0 && in.schema == nil {
			spaces.Delete(namespace)
			continue
		}
		spaces.Set(namespace, &space{methods, in.schema, in.digest})
	}
	d.open, d.spaces = make(map[string]*spaceDraft), spaces.Map()
	return &Set{d.spaces, d.count, d.digest}
}

func (d *Draft) in(namespace string) *spaceDraft {
	if in, ok := d.open[namespace]; ok {
		return in
	}
	in := new(spaceDraft)
	before, ok := d.spaces.Get(namespace)
	if !ok {
		before = new(space)
	}
	in.methods, in.schema, in.digest = before.methods.Edit(), before.schema, before.digest
	d.open[namespace] = in
	return in
}

// put takes a method, or takes one out that is removed. It answers the one that was there, if there was.
func (d *Draft) put(m *method) (before *method) {
	in := d.in(m.GetNamespace())
	before, had := in.methods.Get(m.GetProcedure())
	if had {
		d.count--
		d.add(in, -before.hash)
	}
	if m.GetRemoved() {
		in.methods.Delete(m.GetProcedure())
		return before
	}
	d.count++
	d.add(in, m.hash)
	in.methods.Set(m.GetProcedure(), m)
	return before
}

// describe takes the schema of a namespace, or takes it out if it has no files. It answers the one that was there.
func (d *Draft) describe(s *schema) (before *schema) {
	in := d.in(s.GetNamespace())
	if before = in.schema; before != nil {
		d.add(in, -before.hash)
	}
	if in.schema = nil; len(s.GetFileHashes()) > 0 {
		in.schema = s
		d.add(in, s.hash)
	}
	return before
}

// add keeps both sums up to date, modulo 2^64: a hash is taken out by adding its negative, in any order. So neither end needs to look at
// what has not changed.
func (d *Draft) add(in *spaceDraft, hash uint64) {
	in.digest += hash
	d.digest += hash
}

// errTwice is of a full set that says two things of one.
var errTwice = errors.New("it is listed twice")

// New is the set that a message has in full. Its digest is 0, since its methods were not encoded one by one: it is to be looked up in,
// and is told to nobody.
func New(in *meshv1.Catalog) (*Set, error) {
	d := new(Set).Draft()
	for _, m := range in.GetMethods() {
		if err := d.take(&method{CatalogMethod: m}, true); err != nil {
			return nil, err
		}
	}
	for _, s := range in.GetSchemas() {
		if err := d.takeSchema(&schema{CatalogSchema: s}, true); err != nil {
			return nil, err
		}
	}
	return d.Set(), nil
}

// take checks a method and puts it in. once refuses one that is there.
// Among changes a method may come several times, and the last counts; a full set that lists one twice does not say which it means.
func (d *Draft) take(m *method, once bool) error {
	if err := checkMethod(m.CatalogMethod); err != nil {
		return fmt.Errorf("catalog method %d: %w", d.count, err)
	}
	if before := d.put(m); once && before != nil {
		return fmt.Errorf("catalog method %d: %s in namespace %q: %w", d.count, m.GetProcedure(), m.GetNamespace(), errTwice)
	}
	if d.count > MaxMethods {
		return fmt.Errorf("catalog has more than %d methods, which is all that are taken", MaxMethods)
	}
	return nil
}

// takeSchema is take for the schema of a namespace.
func (d *Draft) takeSchema(s *schema, once bool) error {
	err := checkSchema(s.CatalogSchema)
	if err == nil && d.describe(s) != nil && once {
		err = errTwice
	}
	if err != nil {
		return fmt.Errorf("catalog: schema of namespace %.80q: %w", s.GetNamespace(), err)
	}
	return nil
}
