package catalog

import (
	"errors"
	"fmt"
	"hash/fnv"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/rest"
)

// The fields of a collector.mesh.v1.Catalog. The base comes before all methods and schemas.
// They are read and written one by one here, and not by generated code, which would hold the whole message in memory and could not rest.
// The revision, field 1, is not among them: over a link that of the frame counts.
const (
	fieldMethods protowire.Number = 2
	fieldSchemas protowire.Number = 3
	fieldLeaving protowire.Number = 4
	fieldBase    protowire.Number = 5
	fieldDigest  protowire.Number = 6
)

// ErrDoubt is that changes are of another set than the one that is held, or do not make what they ought to.
// It need not be a fault of the peer's, so it costs the peer less than a malformed catalog: the full set follows.
var ErrDoubt = errors.New("the changes are not those of what is held")

// Told is what an announcement told.
type Told struct {
	*Set
	Leaving bool
	Cost    int // how many methods were looked at, or go
}

// Read reads an announcement over a link; on an error what it returns has the cost alone. held is what the peer was known to serve,
// by that link if base is not 0: that is the revision by which it told it. held is never nil, and stays as it is.
// It reads one method after the other, so that it can rest between them.
func Read(data []byte, held *Set, base uint64, work *rest.Work) (Told, error) {
	if len(data) > MaxBytes {
		return Told{}, fmt.Errorf("catalog has %d bytes, at most %d are taken", len(data), MaxBytes)
	}
	r := reading{held: held, base: base}
	for len(data) > 0 {
		work.Step()
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return r.told, notACatalog(protowire.ParseError(n))
		}
		size := protowire.ConsumeFieldValue(number, kind, data[n:])
		if size < 0 {
			return r.told, notACatalog(protowire.ParseError(size))
		}
		if err := r.field(number, kind, data[n:n+size]); err != nil {
			return r.told, err
		}
		data = data[n+size:]
	}
	return r.end()
}

// reading is an announcement that is being read.
type reading struct {
	held   *Set
	base   uint64
	told   Told
	draft  *Draft
	full   bool
	digest *uint64
}

// field takes one field. What it does not know it passes over, so that a later version may say more.
func (r *reading) field(number protowire.Number, kind protowire.Type, value []byte) error {
	switch {
	case number == fieldBase && kind == protowire.VarintType:
		return r.begin(value)
	case number == fieldLeaving && kind == protowire.VarintType:
		leaving, _ := protowire.ConsumeVarint(value)
		r.told.Leaving = protowire.DecodeBool(leaving)
	case number == fieldDigest && kind == protowire.Fixed64Type:
		digest, _ := protowire.ConsumeFixed64(value)
		r.digest = &digest
	case number == fieldMethods && kind == protowire.BytesType:
		return r.method(value)
	case number == fieldSchemas && kind == protowire.BytesType:
		return r.schema(value)
	}
	return nil
}

// begin begins changes of what is held.
// Methods that came before it have been taken for those of a full set, which is why a base behind them is refused.
func (r *reading) begin(value []byte) error {
	base, _ := protowire.ConsumeVarint(value)
	switch {
	case r.draft != nil:
		return errors.New("catalog: the base comes behind what it is of")
	case base == 0:
		return nil
	case base != r.base:
		return fmt.Errorf("%w: they are of revision %d, not %d", ErrDoubt, base, r.base)
	}
	r.draft = r.held.Draft()
	return nil
}

// drafting is the draft, of a full set if there was no base.
func (r *reading) drafting() *Draft {
	if r.draft == nil {
		r.draft, r.full = new(Set).Draft(), true
	}
	return r.draft
}

// method reads one method. It counts before its names are checked: the peer pays for what was looked at, refused or not.
// One that is as it was stays the same memory, so that comparing the sets costs only what differs.
func (r *reading) method(value []byte) error {
	draft, m := r.drafting(), new(meshv1.CatalogMethod)
	value, err := unmarshal(value, m)
	if err != nil {
		return err
	}
	r.told.Cost++
	if r.full && m.GetRemoved() {
		return fmt.Errorf("catalog method %d: a full set has none that is removed", draft.count)
	}
	read := &method{CatalogMethod: m, hash: hashOf(value)}
	if same := r.held.method(m.GetNamespace(), m.GetProcedure()); same != nil && same.hash == read.hash && proto.Equal(same.CatalogMethod, m) {
		read = same // so that it is seen to be
	}
	return draft.take(read, r.full)
}

// schema costs as a method does, and each of its hashes as much again, as there may be many in one.
func (r *reading) schema(value []byte) error {
	draft, s := r.drafting(), new(meshv1.CatalogSchema)
	value, err := unmarshal(value, s)
	if err != nil {
		return err
	}
	r.told.Cost += 1 + len(s.GetFileHashes())
	return draft.takeSchema(&schema{CatalogSchema: s, hash: hashOf(value)}, r.full)
}

// end is what was read, if it comes to the sum that the peer has.
// A goodbye leaves what is held as it is. A set that is the same as the one held is that very one, so that nothing is done about it.
func (r *reading) end() (Told, error) {
	if r.told.Leaving {
		r.told.Set = r.held
		return r.told, nil
	}
	now := r.drafting().Set()
	if r.full {
		r.told.Cost += r.held.count // they may all go
	}
	switch {
	case r.digest != nil && *r.digest != now.digest:
		return r.told, fmt.Errorf("%w: the digest is %x, not %x", ErrDoubt, now.digest, *r.digest)
	case now.digest == r.held.digest && now.count == r.held.count:
		now = r.held // as after a lost link
	}
	r.told.Set = now
	return r.told, nil
}

// unmarshal reads a message, and answers how it was encoded.
func unmarshal(value []byte, m proto.Message) (encoded []byte, err error) {
	encoded, _ = protowire.ConsumeBytes(value)
	if err := (proto.UnmarshalOptions{RecursionLimit: 16, DiscardUnknown: true}).Unmarshal(encoded, m); err != nil {
		return nil, notACatalog(err)
	}
	return encoded, nil
}

func notACatalog(err error) error {
	return fmt.Errorf("catalog is not a collector.mesh.v1.Catalog: %w", err)
}

// hashOf is of a method or schema as it was encoded, by FNV-1a: both ends need the same, and a seed would have to be agreed on. Whoever
// makes two that are alike deceives others about its own methods alone.
func hashOf(encoded []byte) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(encoded)
	return h.Sum64()
}
