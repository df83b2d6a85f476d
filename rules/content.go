package rules

import (
	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// maxDepth is how deeply messages may nest, as everywhere in a collector.
const maxDepth = 100

// content is the message that is judged; nil for one that is not decoded here, because the call goes to a peer, and for
// one that does not decode, which the handler refuses.
func content(spec connect.Spec, msg any) proto.Message {
	message, ok := msg.(proto.Message)
	if !ok {
		return nil
	}
	packed, ok := message.(*anypb.Any)
	if !ok || spec.Schema != nil {
		return message
	}
	unpacked, err := anypb.UnmarshalNew(packed, proto.UnmarshalOptions{RecursionLimit: maxDepth})
	if err != nil {
		return nil
	}
	return unpacked
}
