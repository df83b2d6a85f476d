package frame

import (
	"encoding/binary"
	"maps"
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
type SentNames struct{ given atomic.Pointer[givenNames] }

// givenNames is a snapshot of them. Most are settled; those that came since are recent, and so few that a copy of them is cheap:
// their number is at most the root of that of the others. A name costs that many copies, where a copy of all cost all.
type givenNames struct {
	settled, recent map[Name]uint64
	bytes           int // of all texts
}

func (g *givenNames) len() int { return len(g.settled) + len(g.recent) }

func (g *givenNames) ref(name Name) uint64 {
	if ref, ok := g.settled[name]; ok {
		return ref
	}
	return g.recent[name]
}

// with returns a snapshot with one more name.
func (g *givenNames) with(name Name) *givenNames {
	next := &givenNames{settled: g.settled, recent: g.recent, bytes: g.bytes + name.total()}
	number, few := uint64(g.len()+1), len(g.recent)+1
	if few*few <= len(g.settled) {
		next.recent = cow.With(g.recent, name, number)
		return next
	}
	next.settled, next.recent = make(map[Name]uint64, number), nil
	maps.Copy(next.settled, g.settled)
	maps.Copy(next.settled, g.recent)
	next.settled[name] = number
	return next
}

var noNames = &givenNames{}

func (s *SentNames) held() *givenNames {
	if given := s.given.Load(); given != nil {
		return given
	}
	return noNames
}

// Ref is the number of a name that has been defined; 0 if it has not.
func (s *SentNames) Ref(name Name) uint64 { return s.held().ref(name) }

// Full reports whether a name that has no number will never get one, since the table has no room for it.
func (s *SentNames) Full(name *Name) bool {
	held := s.held()
	return !room(held.len(), held.bytes, name)
}

// next is the number that a new name gets; 0 when it has no room in the table. Callers hold the mutex of what leaves, or know
// that it is full.
func (s *SentNames) next(name *Name) uint64 {
	held := s.held()
	if !room(held.len(), held.bytes, name) {
		return 0
	}
	return uint64(held.len() + 1)
}

// Define gives a name its number. Callers hold the mutex of what leaves.
func (s *SentNames) Define(name Name) {
	if s.next(&name) == 0 || s.Ref(name) != 0 {
		return
	}
	s.given.Store(s.held().with(name))
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
