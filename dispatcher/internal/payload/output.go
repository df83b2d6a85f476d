package payload

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// ToAny wraps the output of an untyped handler. The error goes on behind "the handler of …".
//
// The same Go type always gives the same message type, whatever its value: clients generate code for what they got once.
// So a scalar becomes the wrapper of its kind and not a Value, and what reflect finds in a named type counts.
func ToAny(output any) (*anypb.Any, error) {
	message, err := toMessage(output)
	if err != nil {
		return nil, fmt.Errorf("returned a %T that %w", output, err)
	}
	if packed, ok := message.(*anypb.Any); ok && packed != nil {
		return packed, nil
	}
	packed, err := anypb.New(message)
	if err != nil {
		return nil, fmt.Errorf("returned a %T that does not encode: %w", output, err)
	}
	return packed, nil
}

// toMessage finds the message for an output. Types that say how they are written come before their kind: a time.Duration
// is an integer, but a type with MarshalText means its text.
func toMessage(output any) (proto.Message, error) {
	switch own := output.(type) {
	case nil:
		return &emptypb.Empty{}, nil
	case proto.Message:
		return own, nil
	case []byte:
		return wrapperspb.Bytes(own), nil
	case json.Marshaler, encoding.TextMarshaler:
		return toValue(output)
	}
	if wrapped := wrapScalar(reflect.ValueOf(output)); wrapped != nil {
		return wrapped, nil
	}
	return toValue(output)
}

// wrapScalar is the wrapper of a scalar, nil for what is none.
// Small integers widen to 32 bits, int and uint to 64 on every machine, so that the type does not depend on where the
// handler runs.
func wrapScalar(v reflect.Value) proto.Message {
	switch v.Kind() { //nolint:exhaustive // the others are no scalars
	case reflect.String:
		return wrapperspb.String(v.String())
	case reflect.Bool:
		return wrapperspb.Bool(v.Bool())
	case reflect.Float32:
		return wrapperspb.Float(float32(v.Float()))
	case reflect.Float64:
		return wrapperspb.Double(v.Float())
	case reflect.Int8, reflect.Int16, reflect.Int32:
		return wrapperspb.Int32(int32(v.Int())) //nolint:gosec // it has at most 32 bits
	case reflect.Int, reflect.Int64:
		return wrapperspb.Int64(v.Int())
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return wrapperspb.UInt32(uint32(v.Uint())) //nolint:gosec // it has at most 32 bits
	case reflect.Uint, reflect.Uint64, reflect.Uintptr:
		return wrapperspb.UInt64(v.Uint())
	}
	return nil
}
