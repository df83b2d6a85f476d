package codec

import (
	"context"
	"io"
	"slices"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/collectiverpc/collective/conn/link"
)

// rawCodec is a codec of connect that lets messages through undecoded where the handler asks for a *link.Raw, as
// forwarding does. All else, as the handlers of this collector and the error details of gRPC, goes to the codec proper.
type rawCodec struct{ connect.Codec }

// New returns the codecs of every entrance over HTTP.
func New() []connect.Codec {
	binary := connectproto.NewBinaryCodec()
	binary.UnmarshalOptions.RecursionLimit = MaxDepth
	return []connect.Codec{rawCodec{binary}, rawCodec{JSON(protoregistry.GlobalTypes)}}
}

// MarshalWrite writes a message, or the bytes that stand for one.
func (c rawCodec) MarshalWrite(ctx context.Context, dst io.Writer, msg any) error {
	if raw, ok := msg.(*link.Raw); ok {
		_, err := dst.Write(raw.Data)
		return err
	}
	return c.Codec.MarshalWrite(ctx, dst, msg)
}

// UnmarshalRead reads a message, or the bytes that stand for one into the room that there is.
func (c rawCodec) UnmarshalRead(ctx context.Context, src io.Reader, msg any) error {
	raw, ok := msg.(*link.Raw)
	if !ok {
		return c.Codec.UnmarshalRead(ctx, src, msg)
	}
	data, err := ReadAll(src, raw.Data[:0])
	raw.Data = data
	return err
}

// ReadAll appends all of src to data. Readers of connect know their length, so that it grows once.
func ReadAll(src io.Reader, data []byte) ([]byte, error) {
	if sized, ok := src.(interface{ Len() int }); ok {
		data = slices.Grow(data, sized.Len()+1) // room to see the end without growing
	}
	for {
		if len(data) == cap(data) {
			data = slices.Grow(data, 512)
		}
		n, err := src.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if err == io.EOF {
			return data, nil
		}
		if err != nil {
			return data, err
		}
	}
}
