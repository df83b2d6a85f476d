package codec

import (
	"connectrpc.com/connect/v2/connectproto"

	"github.com/collectiverpc/collective/internal/descriptor"
)

// MaxDepth is how deeply messages may nest. The default of 10 000 lets a small message cost a large stack.
const MaxDepth = 100

// JSON is the JSON codec of every entrance, with types of its own.
func JSON(types descriptor.Resolver) *connectproto.JSONCodec {
	codec := connectproto.NewJSONCodec(connectproto.WithTypeResolver(types))
	codec.UnmarshalOptions.RecursionLimit = MaxDepth
	return codec
}
