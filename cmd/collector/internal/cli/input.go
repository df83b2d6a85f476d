package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// readInput resolves -d: JSON itself, @FILE, or for stdin -, @- or @.
func (a *app) readInput(data string) ([]byte, error) {
	path, isFile := strings.CutPrefix(data, "@")
	switch {
	case data == "-" || data == "@-" || data == "@":
		return a.readStdin("-d "+data, "echo '{}' | collector call … -d "+data, "-d '{}'")
	case !isFile:
		return []byte(data), nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, usagef("-d: %v", err)
	}
	return content, nil
}

// readStdin reads what is piped in. A terminal would wait for somebody who does not know it.
func (a *app) readStdin(flag string, hints ...string) ([]byte, error) {
	if a.io.InTerminal {
		return nil, usagef("%s reads stdin, which is this terminal", flag).hint(hints...)
	}
	data, err := io.ReadAll(io.LimitReader(a.io.In, maxImage+1))
	if err != nil {
		return nil, failuref("reading stdin: %v", err)
	}
	if len(data) > maxImage {
		return nil, usagef("%s: stdin has more than 64 MiB", flag)
	}
	return data, nil
}

// splitJSON separates the JSON values of an input. No value at all is {}.
func splitJSON(data []byte) ([]json.RawMessage, error) {
	var values []json.RawMessage
	decoder := json.NewDecoder(bytes.NewReader(data))
	for {
		var value json.RawMessage
		err := decoder.Decode(&value)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, usagef("-d: message %d is not JSON: %v (at byte %d)", len(values)+1, err, decoder.InputOffset())
		}
		values = append(values, value)
	}
	if values == nil {
		values = []json.RawMessage{json.RawMessage("{}")}
	}
	return values, nil
}

// parseMessage makes a message of JSON. Numbers are read from the text, so 64-bit integers keep all digits.
func (s *schema) parseMessage(data json.RawMessage, kind protoreflect.MessageDescriptor) (*dynamicpb.Message, error) {
	message := dynamicpb.NewMessage(kind)
	if err := (protojson.UnmarshalOptions{Resolver: s}).Unmarshal(data, message); err != nil {
		return nil, usagef("-d is no %s: %s", kind.FullName(), protoError(err)).
			hint("collector call SERVICE/METHOD --example     # prints a request to start from")
	}
	return message, nil
}

// protoError is the text of a protobuf error without its prefix, whose spaces vary on purpose.
func protoError(err error) string {
	text := strings.ReplaceAll(err.Error(), "\u00a0", " ")
	return strings.TrimSpace(strings.TrimPrefix(text, "proto:"))
}

// untypedInput makes the input of one of the seed's untyped handlers: an object with @type is that message, other
// JSON becomes the wrapper that such a handler receives as a Go value.
func (s *schema) untypedInput(data json.RawMessage) (*anypb.Any, error) {
	message, err := s.untypedMessage(data)
	if err != nil {
		return nil, err
	}
	return anypb.New(message)
}

func (s *schema) untypedMessage(data json.RawMessage) (proto.Message, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, usagef("-d is not JSON: %v", err)
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
		return nil, usagef("-d: %v", err)
	}
	return wrapperspb.Double(f), nil
}

func (s *schema) typedAny(data json.RawMessage) (proto.Message, error) {
	packed := new(anypb.Any)
	if err := (protojson.UnmarshalOptions{Resolver: s}).Unmarshal(data, packed); err != nil {
		return nil, usagef("-d: %s", protoError(err))
	}
	return anypb.UnmarshalNew(packed, proto.UnmarshalOptions{Resolver: s})
}

func parseInto(data json.RawMessage, message proto.Message) (proto.Message, error) {
	if err := protojson.Unmarshal(data, message); err != nil {
		return nil, usagef("-d: %s", protoError(err))
	}
	return message, nil
}

// unpack decodes an answer. An Any that holds nothing is nil.
func (s *schema) unpack(output *anypb.Any) (proto.Message, error) {
	if output.GetTypeUrl() == "" {
		return nil, nil //nolint:nilnil // nothing is an answer too
	}
	message, err := anypb.UnmarshalNew(output, proto.UnmarshalOptions{Resolver: s})
	if err != nil {
		return nil, failuref("the answer is a %s, which does not decode: %s", output.MessageName(), protoError(err))
	}
	return message, nil
}
