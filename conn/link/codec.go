package link

import (
	"bytes"
	"context"
	"fmt"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"
	"google.golang.org/protobuf/proto"

	"github.com/collectiverpc/collective/conn/link/internal/buffer"
	"github.com/collectiverpc/collective/conn/link/internal/outbox"
)

// Raw is a message that is already encoded in the call's codec. Sent, its bytes go out as they are; received, it is
// given the bytes as they came, and keeps them. A process that forwards calls uses it on both ends and never decodes.
type Raw struct {
	Data []byte // the encoded message, without any framing
}

// maxDepth is how deeply messages may nest. The default of 10 000 lets a small message cost a large stack.
const maxDepth = 100

// codec turns messages into bytes and back.
type codec interface {
	// size is the exact encoded size, or -1 if it is known only afterwards.
	size(msg any) (int, error)
	append(b []byte, msg any) ([]byte, error)
	decode(data []byte, msg any) error
}

// codecByName returns nil for a name it does not know: calls in it can only carry Raw.
func codecByName(name string) codec {
	switch name {
	case connect.CodecNameProto:
		return binaryCodec{}
	case connect.CodecNameJSON:
		return jsonCodec
	}
	return nil
}

type binaryCodec struct{}

func (binaryCodec) size(msg any) (int, error) {
	m, ok := msg.(proto.Message)
	if !ok {
		return 0, notProto(msg)
	}
	return proto.Size(m), nil
}

// append encodes a message whose size was asked for just before.
func (binaryCodec) append(b []byte, msg any) ([]byte, error) {
	return proto.MarshalOptions{UseCachedSize: true}.MarshalAppend(b, msg.(proto.Message)) //nolint:forcetypeassert // size checked it
}

func (binaryCodec) decode(data []byte, msg any) error {
	m, ok := msg.(proto.Message)
	if !ok {
		return notProto(msg)
	}
	return proto.UnmarshalOptions{RecursionLimit: maxDepth}.Unmarshal(data, m)
}

func notProto(msg any) error { return fmt.Errorf("%T is not a proto.Message", msg) }

// jsonCodec wraps the JSON codec of connect, so that a call decodes the same here and at an HTTP server.
var jsonCodec = streamCodec{newJSONCodec()}

func newJSONCodec() connect.Codec {
	c := connectproto.NewJSONCodec()
	c.UnmarshalOptions.RecursionLimit = maxDepth
	return c
}

type streamCodec struct{ codec connect.Codec }

func (c streamCodec) size(any) (int, error) { return -1, nil }

func (c streamCodec) append(b []byte, msg any) ([]byte, error) {
	buf := bytes.NewBuffer(b)
	err := c.codec.MarshalWrite(context.Background(), buf, msg)
	return buf.Bytes(), err
}

func (c streamCodec) decode(data []byte, msg any) error {
	return c.codec.UnmarshalRead(context.Background(), bytes.NewReader(data), msg)
}

// inlineSize is up to which size a message is encoded straight into the outgoing buffer, under its mutex.
const inlineSize = 2 << 10

// encoded is a message ready to be sent: either its bytes, or the message and its exact size, to be encoded in place.
type encoded struct {
	data   []byte
	buf    *buffer.Buffer // owner of data, if it is ours
	msg    any
	size   int            // -1: known when it is encoded
	budget *outbox.Budget // that taken bytes come from; nil if none do
	taken  int
}

func (e *encoded) appendTo(b []byte, c codec) ([]byte, error) {
	if e.msg == nil {
		return append(b, e.data...), nil
	}
	return c.append(b, e.msg)
}

// release lets go of the memory.
func (e *encoded) release() {
	if e.buf != nil {
		e.buf.Release()
	}
	if e.budget != nil {
		e.budget.Release(e.taken)
	}
	e.buf, e.budget = nil, nil
}

func (e *encoded) bytes(c codec) ([]byte, error) {
	if e.msg == nil {
		return e.data, nil
	}
	return c.append(nil, e.msg)
}

// measure makes ready what can be sent without memory of its own: raw messages, and small ones, which are encoded in place.
func measure(c codec, msg any) (e encoded, ready bool, err error) {
	if raw, ok := msg.(*Raw); ok {
		return encoded{data: raw.Data, size: len(raw.Data)}, true, nil
	}
	if c == nil {
		return encoded{}, false, connect.NewError(connect.CodeInternal, "link: this codec carries raw messages only")
	}
	size, err := c.size(msg)
	if err != nil {
		return encoded{}, false, connect.Errorf(connect.CodeInternal, "marshal message: %v", err)
	}
	return encoded{msg: msg, size: size}, size >= 0 && size <= inlineSize, nil
}

// marshal encodes what was measured into memory of its own.
func (e *encoded) marshal(c codec) (err error) {
	e.buf = buffer.New(e.size)
	if e.buf.B, err = c.append(e.buf.B, e.msg); err != nil {
		return connect.Errorf(connect.CodeInternal, "marshal message: %v", err)
	}
	e.data, e.msg, e.size = e.buf.B, nil, len(e.buf.B)
	return nil
}

// memory is about what it takes to marshal a message. In JSON, whose size is not known before, it is twice that in binary.
func (e *encoded) memory() int {
	if e.size >= 0 {
		return buffer.Room(e.size)
	}
	m, ok := e.msg.(proto.Message)
	if !ok {
		return 0
	}
	return buffer.Room(2 * proto.Size(m))
}
