package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
)

// SplitJSON separates the JSON values of an input. No value at all is {}.
func SplitJSON(data []byte) ([]json.RawMessage, error) {
	var values []json.RawMessage
	decoder := json.NewDecoder(bytes.NewReader(data))
	for {
		var value json.RawMessage
		err := decoder.Decode(&value)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, failure.Usagef("-d: message %d is not JSON: %v (at byte %d)", len(values)+1, err, decoder.InputOffset())
		}
		values = append(values, value)
	}
	if values == nil {
		values = []json.RawMessage{json.RawMessage("{}")}
	}
	return values, nil
}

// Parse makes a message of JSON. Numbers are read from the text, so 64-bit integers keep all digits.
func (s *Set) Parse(data json.RawMessage, kind protoreflect.MessageDescriptor) (*dynamicpb.Message, error) {
	message := dynamicpb.NewMessage(kind)
	if err := (protojson.UnmarshalOptions{Resolver: s}).Unmarshal(data, message); err != nil {
		return nil, failure.Usagef("-d is no %s: %s", kind.FullName(), ErrorText(err)).
			Hint("collector call SERVICE/METHOD --example     # prints a request to start from")
	}
	return message, nil
}

// UntypedInput makes the input of one of the seed's untyped handlers: an object with @type is that message, other
// JSON becomes the wrapper that such a handler receives as a Go value.
func (s *Set) UntypedInput(data json.RawMessage) (*anypb.Any, error) {
	message, err := s.Untyped(data)
	if err != nil {
		return nil, err
	}
	return anypb.New(message)
}

func (s *Set) Untyped(data json.RawMessage) (proto.Message, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, failure.Usagef("-d is not JSON: %v", err)
	}
	switch value := value.(type) {
	case nil:
		return &emptypb.Empty{}, nil
	case bool:
		return wrapperspb.Bool(value), nil
	case string:
		return wrapperspb.String(value), nil
	case json.Number:
		return number(value)
	case map[string]any:
		if _, typed := value["@type"]; typed {
			return s.typedAny(data)
		}
		return parseInto(data, &structpb.Struct{})
	}
	return parseInto(data, &structpb.ListValue{})
}

// number is an Int64Value if it is an integer, else a DoubleValue.
func number(n json.Number) (proto.Message, error) {
	if i, err := n.Int64(); err == nil {
		return wrapperspb.Int64(i), nil
	}
	f, err := n.Float64()
	if err != nil {
		return nil, failure.Usagef("-d: %v", err)
	}
	return wrapperspb.Double(f), nil
}

func (s *Set) typedAny(data json.RawMessage) (proto.Message, error) {
	packed := new(anypb.Any)
	if err := (protojson.UnmarshalOptions{Resolver: s}).Unmarshal(data, packed); err != nil {
		return nil, failure.Usagef("-d: %s", ErrorText(err))
	}
	return anypb.UnmarshalNew(packed, proto.UnmarshalOptions{Resolver: s})
}

func parseInto(data json.RawMessage, message proto.Message) (proto.Message, error) {
	if err := protojson.Unmarshal(data, message); err != nil {
		return nil, failure.Usagef("-d: %s", ErrorText(err))
	}
	return message, nil
}
