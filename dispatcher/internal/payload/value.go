package payload

import (
	"bytes"
	"encoding"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/collectiverpc/collective/dispatcher/internal/codec"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
)

// errDeep stops values that contain themselves, and those that nobody could decode.
var errDeep = fmt.Errorf("nests deeper than %d", codec.MaxDepth)

// toValue makes a google.protobuf.Value of a Go value as encoding/json would write it, with json tags. Protobuf messages
// in it are written as protojson does. Nothing is rounded: a number that a double does not keep is refused.
// The caller puts "returned a T that" before an error.
func toValue(v any) (*structpb.Value, error) { return valueOf(reflect.ValueOf(v), 0) }

// valueOf walks a value by reflection. It could hand all of it to encoding/json, but that does not know protobuf messages and
// writes through what is not UTF-8. What json tags and methods describe is left to encoding/json all the same, and comes
// back here as a tree. depth counts from 0.
func valueOf(v reflect.Value, depth int) (*structpb.Value, error) {
	if depth > codec.MaxDepth {
		return nil, errDeep
	}
	// The zero reflect.Value is what an untyped nil gives.
	if !v.IsValid() {
		return structpb.NewNullValue(), nil
	}
	if nilable(v.Kind()) && v.IsNil() {
		return structpb.NewNullValue(), nil
	}
	switch own := v.Interface().(type) {
	case proto.Message:
		return messageValue(own)
	// It is of the string kind and has no MarshalJSON: without this it would become a text.
	case json.Number:
		return numberValue(own.String())
	case json.Marshaler, encoding.TextMarshaler:
		return jsonValue(own, depth)
	case []byte:
		return structpb.NewStringValue(base64.StdEncoding.EncodeToString(own)), nil
	}
	switch v.Kind() { //nolint:exhaustive // the others are scalars, or refused there
	case reflect.Pointer, reflect.Interface:
		return valueOf(v.Elem(), depth+1)
	case reflect.Map:
		return mapValue(v, depth)
	case reflect.Slice, reflect.Array:
		return listValue(v, depth)
	case reflect.Struct:
		return jsonValue(v.Interface(), depth)
	}
	return scalarValue(v)
}

// nilable are the kinds whose nil is written as null, as encoding/json does; of others IsNil would panic.
func nilable(kind reflect.Kind) bool {
	return kind == reflect.Pointer || kind == reflect.Interface || kind == reflect.Map || kind == reflect.Slice
}

// scalarValue is a value without parts. NaN and the infinities have no JSON, so they fall through to the refusal.
func scalarValue(v reflect.Value) (*structpb.Value, error) {
	switch {
	case v.Kind() == reflect.String:
		if !utf8.ValidString(v.String()) {
			return nil, errors.New("is a string that is not UTF-8; return it as []byte")
		}
		return structpb.NewStringValue(v.String()), nil
	case v.Kind() == reflect.Bool:
		return structpb.NewBoolValue(v.Bool()), nil
	case v.CanInt():
		return numberValue(strconv.FormatInt(v.Int(), 10))
	case v.CanUint():
		return numberValue(strconv.FormatUint(v.Uint(), 10))
	case v.Kind() == reflect.Float32 && !math.IsNaN(v.Float()) && !math.IsInf(v.Float(), 0):
		return numberValue(strconv.FormatFloat(v.Float(), 'e', -1, 32)) // 0.1 and not 0.10000000149011612
	case v.CanFloat() && !math.IsNaN(v.Float()) && !math.IsInf(v.Float(), 0):
		return structpb.NewNumberValue(v.Float()), nil
	}
	return nil, fmt.Errorf("is a %s, which google.protobuf.Value cannot hold", v.Type())
}

// numberValue takes a number as it is written. What may be an integer of Go has to be kept to the last digit.
func numberValue(text string) (*structpb.Value, error) {
	number, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, fmt.Errorf("is the number %s, which google.protobuf.Value cannot hold", refusal.Quoted(text))
	}
	if isInteger(text) && strconv.FormatFloat(number, 'f', 0, 64) != text {
		return nil, fmt.Errorf("is %s, which has more digits than google.protobuf.Value keeps; return it as a string", text)
	}
	return structpb.NewNumberValue(number), nil
}

// isInteger tells what a Go integer can be from what is a float by its text: of the latter rounding is expected.
func isInteger(text string) bool {
	_, signed := strconv.ParseInt(text, 10, 64)
	_, unsigned := strconv.ParseUint(text, 10, 64)
	return signed == nil || unsigned == nil
}

// mapValue is an object. Only keys of the string kind are taken here; encoding/json decides about all others.
func mapValue(v reflect.Value, depth int) (*structpb.Value, error) {
	if v.Type().Key().Kind() != reflect.String {
		return jsonValue(v.Interface(), depth) // which knows the keys that have a text
	}
	fields := make(map[string]*structpb.Value, v.Len())
	for entry := v.MapRange(); entry.Next(); {
		key := entry.Key().String()
		if !utf8.ValidString(key) {
			return nil, fmt.Errorf("has the key %s, which is not UTF-8", refusal.Quoted(key))
		}
		value, err := valueOf(entry.Value(), depth+1)
		if err != nil {
			return nil, inside(key, err)
		}
		fields[key] = value
	}
	return structpb.NewStructValue(&structpb.Struct{Fields: fields}), nil
}

// listValue is a list. Its errors name the index.
func listValue(v reflect.Value, depth int) (*structpb.Value, error) {
	values := make([]*structpb.Value, v.Len())
	for i := range values {
		value, err := valueOf(v.Index(i), depth+1)
		if err != nil {
			return nil, inside(strconv.Itoa(i), err)
		}
		values[i] = value
	}
	return structpb.NewListValue(&structpb.ListValue{Values: values}), nil
}

// messageValue is a protobuf message as protojson writes it.
// Its 64-bit integers are texts by that, and are not rounded either.
func messageValue(message proto.Message) (*structpb.Value, error) {
	data, err := protojson.Marshal(message)
	if err != nil {
		return nil, fmt.Errorf("is a %s that does not encode: %w", message.ProtoReflect().Descriptor().FullName(), err)
	}
	value := new(structpb.Value)
	return value, protojson.Unmarshal(data, value)
}

// jsonValue is what encoding/json makes of a value, for types that json tags or methods describe.
// Numbers are read back as text for numberValue to judge. The depth counts on, since a value could nest through methods.
func jsonValue(v any, depth int) (*structpb.Value, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("does not encode: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var tree any
	if err := decoder.Decode(&tree); err != nil {
		return nil, err
	}
	return valueOf(reflect.ValueOf(tree), depth+1)
}

// placed is an error at a place inside a value.
// It is built from the inside out, one element for each level that returns.
type placed struct {
	at  string
	err error
}

func (p *placed) Error() string { return "at ." + p.at + " " + p.err.Error() }

func (p *placed) Unwrap() error { return p.err }

// inside says where in a value an error is. Deep places are cut short.
func inside(at string, err error) error {
	const longest = 200
	deeper, ok := err.(*placed) //nolint:errorlint // only the very error is extended
	if !ok {
		return &placed{at: at, err: err}
	}
	if len(deeper.at) < longest {
		deeper.at = at + "." + deeper.at
	}
	return deeper
}
