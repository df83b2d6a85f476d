package payload

import (
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/internal/descriptor"
)

// ToGo unwraps the input of an untyped handler.
// A wrapper, a Struct, a ListValue and a Value become the Go value that they stand for, nothing and Empty become nil,
// and any other message stays one. A 64-bit integer keeps its type: it is not made a float64 on the way, as it would be
// by JSON. types is called only for messages that are not linked in.
func ToGo(in *anypb.Any, types func() descriptor.Resolver) (any, *refusal.Refusal) {
	if in.GetTypeUrl() == "" && len(in.GetValue()) == 0 {
		return nil, nil
	}
	message, r := Unpack(in, types)
	if r != nil {
		return nil, r
	}
	switch m := message.(type) {
	case *emptypb.Empty:
		return nil, nil
	case *wrapperspb.StringValue:
		return m.GetValue(), nil
	case *wrapperspb.BoolValue:
		return m.GetValue(), nil
	case *wrapperspb.Int32Value:
		return m.GetValue(), nil
	case *wrapperspb.Int64Value:
		return m.GetValue(), nil
	case *wrapperspb.UInt32Value:
		return m.GetValue(), nil
	case *wrapperspb.UInt64Value:
		return m.GetValue(), nil
	case *wrapperspb.FloatValue:
		return m.GetValue(), nil
	case *wrapperspb.DoubleValue:
		return m.GetValue(), nil
	case *wrapperspb.BytesValue:
		return m.GetValue(), nil
	case *structpb.Struct:
		return m.AsMap(), nil
	case *structpb.ListValue:
		return m.AsSlice(), nil
	case *structpb.Value:
		return m.AsInterface(), nil
	}
	return message, nil
}
