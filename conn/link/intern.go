package link

import (
	"encoding/binary"
	"maps"
	"sync/atomic"

	"connectrpc.com/connect/v2"
)

const (
	// maxNames bounds the names of one direction; each is at most maxName bytes.
	maxNames = 4096
	maxName  = 1 << 10
)

// callName is what a call is addressed to. On the wire it is text once and a small number after.
type callName struct {
	namespace, procedure, codec string
	kind                        connect.StreamType
	idempotency                 connect.IdempotencyLevel
}

func (n callName) size() int { return len(n.namespace) + len(n.procedure) + len(n.codec) }

// sentNames are the numbers this end has given. They are read by anybody; a definition is made under the outbox's mutex,
// behind the frame that brings it, so that it always precedes its use.
type sentNames struct {
	given atomic.Pointer[map[callName]uint64]
}

// ref is the number of a name that has been defined; 0 if it has not.
func (s *sentNames) ref(name callName) uint64 {
	if given := s.given.Load(); given != nil {
		return (*given)[name]
	}
	return 0
}

// next is the number that a new name gets; 0 when the table is full.
func (s *sentNames) next() uint64 {
	given := s.given.Load()
	switch {
	case given == nil:
		return 1
	case len(*given) < maxNames:
		return uint64(len(*given) + 1)
	}
	return 0
}

// define gives a name its number.
func (s *sentNames) define(name callName) {
	ref := s.next()
	if ref == 0 || s.ref(name) != 0 {
		return
	}
	more := make(map[callName]uint64, ref)
	if given := s.given.Load(); given != nil {
		maps.Copy(more, *given)
	}
	more[name] = ref
	s.given.Store(&more)
}

// append appends a ref or, if that is 0, what there is to say of a name now: the number that somebody has given it
// meanwhile, or its definition.
func (s *sentNames) append(b []byte, ref uint64, name callName) []byte {
	if ref == 0 {
		ref = s.ref(name)
	}
	if ref != 0 {
		return binary.AppendUvarint(b, ref)
	}
	b = binary.AppendUvarint(b, 0)
	b = binary.AppendUvarint(b, s.next())
	b = appendText(b, name.namespace)
	b = appendText(b, name.procedure)
	b = appendText(b, name.codec)
	return append(b, byte(name.kind), byte(name.idempotency))
}

// target is a callName as the serving end knows it, with what each of its calls needs.
type target struct {
	callName
	spec  connect.Spec
	info  ServerInfo
	codec codec
}

// receivedNames are the targets that the other end has numbered, number n at index n-1. Used by the reader only.
type receivedNames []*target

func (r *receivedNames) read(l *Link, p *payload) *target {
	ref := p.uvarint()
	if p.err != nil {
		return nil
	}
	if ref == 0 {
		return r.define(l, p)
	}
	if ref > uint64(len(*r)) {
		p.fail("undefined name")
		return nil
	}
	return (*r)[ref-1]
}

func (r *receivedNames) define(l *Link, p *payload) *target {
	ref := p.uvarint()
	name := callName{namespace: p.text(maxName), procedure: p.text(maxName), codec: p.text(maxName)}
	if len(p.b) < 2 {
		p.fail("truncated name")
		return nil
	}
	name.kind, name.idempotency = connect.StreamType(p.b[0]), connect.IdempotencyLevel(p.b[1])
	p.b = p.b[2:]
	if name.kind > connect.StreamTypeBidi || name.size() > maxName {
		p.fail("bad name")
		return nil
	}
	t := newTarget(l, name)
	switch {
	case ref == 0:
	case ref == uint64(len(*r)+1) && ref <= maxNames:
		*r = append(*r, t)
	default:
		p.fail("name out of order")
	}
	return t
}

func newTarget(l *Link, name callName) *target {
	return &target{
		callName: name,
		spec:     connect.Spec{Procedure: name.procedure, StreamType: name.kind, IdempotencyLevel: name.idempotency},
		info:     ServerInfo{Namespace: name.namespace, Link: l},
		codec:    codecByName(name.codec),
	}
}
