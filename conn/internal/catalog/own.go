package catalog

import (
	"cmp"
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// MostChanges bounds, twice over, those that are remembered to be told to peers that hold an earlier set. Who is further behind is told the
// full set.
const MostChanges = 4096

// Own is what this collector serves. It never changes; the next is made of it. The zero value serves nothing.
// Only the last one may be amended, replaced or left, by one caller at a time: all of them share the memory of the changes.
type Own struct {
	*Set
	Leaving bool   // this collector is stopping, and nothing else is told any more
	Given   uint64 // the revision of the last message
	number  uint64 // grows with each
	bytes   int    // of all that is in it, encoded
	// changes are the last ones, those of the number first+1 foremost. It grows at the end, where only the last Own appends.
	// Of first itself, and of what is before, some may be missing: a peer that holds an earlier number is told the full set.
	changes []change
	first   uint64
}

// change is one, encoded as a field of a catalog.
// All changes of one message have the same number, so that a peer is told all of them or none. It keeps the encoding and not the message,
// since each peer that is behind gets the same bytes.
type change struct {
	number    uint64
	namespace string
	field     []byte
}

// NewOwn serves nothing.
// It is told as well: a peer that has heard nothing cannot know that there is nothing.
func NewOwn() *Own { return &Own{Set: new(Set)} }

// Leave is what is told when this collector stops.
// The set stays in it, since a goodbye withdraws nothing: peers keep what they know until this collector is back.
func (o *Own) Leave() *Own {
	next := *o
	next.Leaving = true
	next.number++
	return &next
}

// Amend makes the changes that a message has, of methods and schemas in their order.
// It costs what changed. On an error o is as it was, and stays the one that is told.
func (o *Own) Amend(in *meshv1.Catalog) (*Own, error) {
	return o.amending(in.GetRevision()).all(in)
}

// Replace makes the changes that lead to the full set of a message.
// It is made as changes, so that peers which hold most of it are told no more than the rest. The whole message is checked before: one with
// a method twice would else pass as two changes of it.
func (o *Own) Replace(in *meshv1.Catalog) (*Own, error) {
	full, err := New(in)
	if err != nil {
		return nil, err
	}
	a := o.amending(in.GetRevision())
	for namespace, before := range o.spaces.All() {
		for procedure := range before.methods.Keys() {
			if full.method(namespace, procedure) == nil {
				_ = a.method(&meshv1.CatalogMethod{Namespace: namespace, Procedure: procedure, Removed: true}) // it was taken
			}
		}
		if before.schema != nil && full.Files(namespace) == nil {
			_ = a.schema(&meshv1.CatalogSchema{Namespace: namespace})
		}
	}
	return a.all(in)
}

// amending is the next Own while it is made.
type amending struct {
	next  *Own
	draft *Draft
}

func (o *Own) amending(revision uint64) *amending {
	next := *o
	next.number++
	next.Given = revision
	return &amending{&next, o.Draft()}
}

// all makes the changes of a message, and ends.
func (a *amending) all(in *meshv1.Catalog) (*Own, error) {
	for _, m := range in.GetMethods() {
		if err := a.method(m); err != nil {
			return nil, err
		}
	}
	for _, s := range in.GetSchemas() {
		if err := a.schema(s); err != nil {
			return nil, err
		}
	}
	return a.end()
}

// method makes one change. What is there already is no change: it would take room in the log and an announcement that says nothing.
// The message is cloned, since whoever gave it may go on to use it.
func (a *amending) method(in *meshv1.CatalogMethod) error {
	if a.same(in) {
		return nil
	}
	encoded, err := proto.Marshal(in)
	if err != nil {
		return err
	}
	m := &method{CatalogMethod: proto.CloneOf(in), encoded: fieldOf(fieldMethods, encoded), hash: hashOf(encoded)}
	if before, ok := a.draft.in(in.GetNamespace()).methods.Get(in.GetProcedure()); ok {
		a.next.bytes -= len(before.encoded)
	}
	if err := a.draft.take(m, false); err != nil {
		return err
	}
	if !in.GetRemoved() {
		a.next.bytes += len(m.encoded)
	}
	a.log(in.GetNamespace(), m.encoded)
	return nil
}

// same reports whether a method is there as it is.
func (a *amending) same(in *meshv1.CatalogMethod) bool {
	before, ok := a.draft.in(in.GetNamespace()).methods.Get(in.GetProcedure())
	if !ok {
		return in.GetRemoved()
	}
	return proto.Equal(before.CatalogMethod, in)
}

// schema is method for the files of a namespace. A schema without files stands for none, so there is no flag for one that is removed.
func (a *amending) schema(in *meshv1.CatalogSchema) error {
	before := a.draft.in(in.GetNamespace()).schema
	switch {
	case before == nil && len(in.GetFileHashes()) == 0:
		return nil
	case before != nil && proto.Equal(before.CatalogSchema, in):
		return nil
	case before != nil:
		a.next.bytes -= len(before.encoded)
	}
	encoded, err := proto.Marshal(in)
	if err != nil {
		return err
	}
	s := &schema{CatalogSchema: proto.CloneOf(in), encoded: fieldOf(fieldSchemas, encoded), hash: hashOf(encoded)}
	if err := a.draft.takeSchema(s, false); err != nil {
		return err
	}
	if len(in.GetFileHashes()) > 0 {
		a.next.bytes += len(s.encoded)
	}
	a.log(in.GetNamespace(), s.encoded)
	return nil
}

// log remembers a change.
// The older half goes at once, and not one with each change, so that the copy is paid for by as many changes as it moves. What stays is
// copied to new memory, as an earlier Own may still read the old.
func (a *amending) log(namespace string, field []byte) {
	o := a.next
	if len(o.changes) >= 2*MostChanges { // the older half goes
		o.changes = slices.Clone(o.changes[MostChanges:])
		o.first = o.changes[0].number
	}
	o.changes = append(o.changes, change{o.number, namespace, field})
}

// end bounds the set as a whole, and not what one peer is told of it: otherwise it would depend on the agreement with a peer whether a
// method can be registered.
func (a *amending) end() (*Own, error) {
	if a.next.bytes > MaxBytes-headBytes {
		return nil, fmt.Errorf("catalog has %d bytes, at most %d are taken", a.next.bytes, MaxBytes-headBytes)
	}
	a.next.Set = a.draft.Set()
	return a.next, nil
}

// fieldOf is a message as a field of a catalog.
func fieldOf(number protowire.Number, encoded []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), encoded)
}

// headBytes is room for what is neither a method nor a schema.
// A base takes 11 bytes at most and a digest 9.
const headBytes = 64

// full is the set in some namespaces, encoded.
func (o *Own) full(shared []string) []byte {
	var out []byte
	for _, namespace := range shared {
		in, ok := o.spaces.Get(namespace)
		if !ok {
			continue
		}
		for _, m := range in.methods.All() {
			out = append(out, m.encoded...)
		}
		if in.schema != nil {
			out = append(out, in.schema.encoded...)
		}
	}
	return o.tail(out, shared)
}

// since is what has changed in some namespaces since a number, encoded, of what the peer holds by a revision; false if that is not
// known any more, or the full set is less.
func (o *Own) since(number, base uint64, shared []string) ([]byte, bool) {
	if number < o.first {
		return nil, false
	}
	at, _ := slices.BinarySearchFunc(o.changes, number+1, func(c change, number uint64) int { return cmp.Compare(c.number, number) })
	out := protowire.AppendVarint(protowire.AppendTag(nil, fieldBase, protowire.VarintType), base)
	for _, c := range o.changes[at:] {
		if _, ok := slices.BinarySearch(shared, c.namespace); ok {
			out = append(out, c.field...)
		}
		if len(out) > min(o.bytes+headBytes, MaxBytes-headBytes) { // the full set is shorter, or the only one that fits
			return nil, false
		}
	}
	return o.tail(out, shared), true
}

// tail adds what both ends must come to: the sum for the shared namespaces alone, as the peer knows of no others. It is added up from
// one number for each of them, however many methods they have.
func (o *Own) tail(out []byte, shared []string) []byte {
	digest := uint64(0)
	for _, namespace := range shared {
		if in, ok := o.spaces.Get(namespace); ok {
			digest += in.digest
		}
	}
	out = protowire.AppendTag(out, fieldDigest, protowire.Fixed64Type)
	return protowire.AppendFixed64(out, digest)
}

// goodbye is what a peer is told that this collector is leaving.
// It has no base and no digest, since it is read whatever the peer holds, and no methods, since it may overtake a catalog that is
// still being read.
func goodbye() []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, fieldLeaving, protowire.VarintType), 1)
}
