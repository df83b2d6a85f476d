package link

import (
	"encoding/binary"

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

// sentNames are the numbers this end has given. Guarded by the outbox, so that a definition always precedes its use.
type sentNames map[callName]uint64

// appendRef appends the ref of name, with its definition when it is new.
func (s sentNames) appendRef(b []byte, name callName) []byte {
	if ref, ok := s[name]; ok {
		return binary.AppendUvarint(b, ref)
	}
	ref := uint64(0)
	if len(s) < maxNames {
		ref = uint64(len(s) + 1)
		s[name] = ref
	}
	b = binary.AppendUvarint(b, 0)
	b = binary.AppendUvarint(b, ref)
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
