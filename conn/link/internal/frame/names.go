package frame

import (
	"encoding/binary"
	"sync/atomic"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/internal/cow"
)

const (
	// MaxNames bounds the names of one direction.
	MaxNames = 4096
	// MaxNameBytes bounds the texts of those together.
	MaxNameBytes = 4 << 20
	// MaxName bounds the bytes of one, without its caller.
	MaxName = 1 << 10
	// MaxCaller bounds those of the caller.
	MaxCaller = 4 << 10
)

// Name is what a call is addressed to. On the wire it is text once and a small number after.
type Name struct {
	Namespace, Procedure, Codec string
	Kind                        connect.StreamType
	Idempotency                 connect.IdempotencyLevel
	Caller                      string // for whom; may be empty
}

// Size is how many bytes of text it has, without its caller.
func (n *Name) Size() int { return len(n.Namespace) + len(n.Procedure) + len(n.Codec) }

// total is how many bytes of text it has.
func (n *Name) total() int { return n.Size() + len(n.Caller) }

// room reports whether a table of so many names and bytes takes one more.
func room(names, bytes int, n *Name) bool { return names < MaxNames && bytes+n.total() <= MaxNameBytes }

// SentNames are the numbers this end has given. They are read by anybody; a definition is made under the mutex of what leaves,
// behind the frame that brings it, so that it always precedes its use.
type SentNames struct {
	given atomic.Pointer[map[Name]uint64]
	bytes int // of all of them
}

// Ref is the number of a name that has been defined; 0 if it has not.
func (s *SentNames) Ref(name Name) uint64 {
	if given := s.given.Load(); given != nil {
		return (*given)[name]
	}
	return 0
}

// next is the number that a new name gets; 0 when it has no room in the table. Callers hold the mutex of what leaves.
func (s *SentNames) next(name *Name) uint64 {
	n := 0
	if given := s.given.Load(); given != nil {
		n = len(*given)
	}
	if !room(n, s.bytes, name) {
		return 0
	}
	return uint64(n + 1)
}

// Define gives a name its number.
// It copies the table, which happens once for each name and so never for most calls. Callers hold the mutex of what leaves.
func (s *SentNames) Define(name Name) {
	ref := s.next(&name)
	if ref == 0 || s.Ref(name) != 0 {
		return
	}
	var held map[Name]uint64
	if given := s.given.Load(); given != nil {
		held = *given
	}
	more := cow.With(held, name, ref)
	s.given.Store(&more)
	s.bytes += name.total()
}

// Append appends a ref or, if that is 0, what there is to say of a name now: the number that somebody has given it
// meanwhile, or its definition.
func (s *SentNames) Append(b []byte, ref uint64, name Name) []byte {
	if ref == 0 {
		ref = s.Ref(name)
	}
	if ref != 0 {
		return binary.AppendUvarint(b, ref)
	}
	b = binary.AppendUvarint(b, 0)
	b = binary.AppendUvarint(b, s.next(&name))
	b = AppendText(b, name.Namespace)
	b = AppendText(b, name.Procedure)
	b = AppendText(b, name.Codec)
	b = append(b, byte(name.Kind), byte(name.Idempotency))
	return AppendText(b, name.Caller)
}

// ReceivedNames are what the serving end has made of the names that the other end has numbered, number n at index n-1. Only
// the reader uses them.
type ReceivedNames[T any] struct {
	targets []*T
	bytes   int // of their texts
	target  func(Name) *T
}

// NewReceivedNames makes a target of each new name.
func NewReceivedNames[T any](target func(Name) *T) *ReceivedNames[T] {
	return &ReceivedNames[T]{target: target}
}

// NameUse is how a call has its name.
type NameUse int

// A name is known from earlier, kept from now on, or there for one call.
const (
	NameKnown NameUse = iota
	NameKept
	NameOnce
)

// Read moves a name from the front of p, and returns its target and how the call has it. A malformed one is nil, and known.
func (r *ReceivedNames[T]) Read(p *Payload) (*T, NameUse) {
	ref := p.Uvarint()
	if p.Err != nil {
		return nil, NameKnown
	}
	if ref == 0 {
		return r.define(p)
	}
	if ref > uint64(len(r.targets)) {
		p.Fail("undefined name")
		return nil, NameKnown
	}
	return r.targets[ref-1], NameKnown
}

// define takes a name in full. Its number has to be the next one, so that the table has no holes and is no larger than what
// was sent; 0 is a name that is used once and not kept.
func (r *ReceivedNames[T]) define(p *Payload) (*T, NameUse) {
	ref := p.Uvarint()
	name := readName(p)
	if p.Err != nil {
		return nil, NameKnown
	}
	t := r.target(name)
	switch {
	case ref == 0:
		return t, NameOnce
	case ref == uint64(len(r.targets)+1) && room(len(r.targets), r.bytes, &name):
		r.targets = append(r.targets, t)
		r.bytes += name.total()
	default:
		p.Fail("name out of order")
		return nil, NameKnown
	}
	return t, NameKept
}

// readName reads the parts of a name. The bound of a name holds for the three texts before the caller together.
func readName(p *Payload) Name {
	name := Name{Namespace: p.Text(MaxName), Procedure: p.Text(MaxName), Codec: p.Text(MaxName)}
	if len(p.B) < 2 {
		p.Fail("truncated name")
		return name
	}
	name.Kind, name.Idempotency = connect.StreamType(p.B[0]), connect.IdempotencyLevel(p.B[1])
	p.B = p.B[2:]
	name.Caller = p.Text(MaxCaller)
	if name.Kind > connect.StreamTypeBidi || name.Size() > MaxName {
		p.Fail("bad name")
	}
	return name
}
