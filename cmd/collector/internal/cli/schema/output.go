package schema

import (
	"encoding/json"
	"regexp"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
)

// Known is a message with its extensions, which came as bytes that nobody had asked the schema about.
func (s *Set) Known(message proto.Message) (proto.Message, error) {
	known := message.ProtoReflect().New().Interface()
	data, err := proto.MarshalOptions{AllowPartial: true}.Marshal(message)
	if err == nil {
		err = proto.UnmarshalOptions{Resolver: s}.Unmarshal(data, known)
	}
	if err != nil {
		return nil, failure.Newf("the answer is a %s, which does not decode: %s", message.ProtoReflect().Descriptor().FullName(), ErrorText(err))
	}
	return known, nil
}

// Unpack decodes an answer. An Any that holds nothing is nil.
func (s *Set) Unpack(output *anypb.Any) (proto.Message, error) {
	if output.GetTypeUrl() == "" {
		return nil, nil //nolint:nilnil // nothing is an answer too
	}
	message, err := anypb.UnmarshalNew(output, proto.UnmarshalOptions{Resolver: s})
	if err != nil {
		return nil, failure.Newf("the answer is a %s, which does not decode: %s", output.MessageName(), ErrorText(err))
	}
	return message, nil
}

// JSON is a message as proto JSON.
func (s *Set) JSON(message proto.Message, defaults bool) (json.RawMessage, error) {
	data, err := protojson.MarshalOptions{Resolver: s, EmitDefaultValues: defaults}.Marshal(message)
	if err != nil {
		return nil, failure.Newf("the answer has no JSON form: %s", ErrorText(err))
	}
	return data, nil
}

// spaces are those between the name of a field and its value, of which the library writes one or two.
var spaces = regexp.MustCompile(`(?m)^( *[^ ":{]+:) +`)

// Text is a message in the text format of protobuf, a field a line.
func (s *Set) Text(message proto.Message) (string, error) {
	data, err := prototext.MarshalOptions{Multiline: true, Resolver: s}.Marshal(message)
	if err != nil {
		return "", failure.Newf("the answer has no text form: %s", ErrorText(err))
	}
	return spaces.ReplaceAllString(string(data), "$1 "), nil
}

// OneLine is text format on one line. Line breaks within values are escaped, so these are all between fields.
func OneLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i := range lines {
		lines[i] = strings.TrimLeft(lines[i], " ")
	}
	return strings.Join(lines, " ")
}
