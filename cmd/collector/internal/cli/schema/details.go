package schema

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
)

// Detail decodes a message that came with an error. A nil set is what this binary knows.
func (s *Set) Detail(detail *connect.ErrorDetail) failure.Detail {
	if s == nil {
		s = Empty()
	}
	name := detail.Type[strings.LastIndexByte(detail.Type, '/')+1:]
	if value, err := s.detailJSON(protoreflect.FullName(name), detail.Value); err == nil {
		return failure.Detail{Type: name, Value: value}
	}
	return failure.Detail{Type: name, Base64: base64.StdEncoding.EncodeToString(detail.Value)}
}

func (s *Set) detailJSON(name protoreflect.FullName, data []byte) (json.RawMessage, error) {
	kind, err := s.FindMessageByName(name)
	if err != nil {
		return nil, err
	}
	message := kind.New().Interface()
	if err := (proto.UnmarshalOptions{Resolver: s}).Unmarshal(data, message); err != nil {
		return nil, err
	}
	value, err := protojson.MarshalOptions{Resolver: s}.Marshal(message)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer // protojson varies the spaces on purpose
	err = json.Compact(&b, value)
	return b.Bytes(), err
}
