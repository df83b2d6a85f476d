package render

import (
	"bytes"
	"encoding/json"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// encode makes proto JSON of messages, with defaults so that scripts find every field, and plain JSON of the rest.
func encode(v any) ([]byte, error) {
	switch v := v.(type) {
	case proto.Message:
		return protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(v)
	case json.RawMessage:
		return v, nil
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return b.Bytes(), err
}

// indented is JSON for people to read too.
func indented(v any) (string, error) {
	data, err := encode(v)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	err = json.Indent(&b, data, "", "  ")
	return b.String(), err
}

// compact is JSON on one line. It takes out the spaces between tokens, which protojson varies on purpose.
func compact(v any) (string, error) {
	data, err := encode(v)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	err = json.Compact(&b, data)
	return b.String(), err
}
