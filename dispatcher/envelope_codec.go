package dispatcher

import (
	"bytes"
	"context"
	"encoding/json"
	"io"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher/internal/codec"
	"github.com/collectiverpc/collective/dispatcher/internal/entrance"
)

// envelopeCodec is the JSON codec of the collector's own services. The Any of an envelope may hold a message of any
// namespace; one that comes in is of the namespace that the envelope names.
type envelopeCodec struct{ types *typeIndex }

// Name says that this is how JSON is written and read.
func (envelopeCodec) Name() string { return connect.CodecNameJSON }

// IsBinary reports that it is text.
func (envelopeCodec) IsBinary() bool { return false }

// MarshalWrite writes a message.
func (c envelopeCodec) MarshalWrite(ctx context.Context, dst io.Writer, msg any) error {
	return codec.JSON(c.types.in("")).MarshalWrite(ctx, dst, msg)
}

// UnmarshalRead reads a message.
func (c envelopeCodec) UnmarshalRead(ctx context.Context, src io.Reader, msg any) error {
	if _, ok := msg.(entrance.Envelope); !ok {
		return codec.JSON(c.types.in("")).UnmarshalRead(ctx, src, msg)
	}
	data, err := codec.ReadAll(src, nil)
	if err != nil {
		return err
	}
	var named struct {
		Namespace string `json:"namespace"`
	}
	_ = json.Unmarshal(data, &named) // the codec proper tells what is wrong
	return codec.JSON(c.types.in(named.Namespace)).UnmarshalRead(ctx, bytes.NewReader(data), msg)
}
