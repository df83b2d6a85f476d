package schema

import (
	"math"
	"math/big"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// compareDefault compares what a reader sees in an unset field. Fields that cannot have a default are left out; so is
// the type, which has a rule of its own.
func (c *comparison) compareDefault(before, after protoreflect.FieldDescriptor) {
	if !canHaveDefault(before) || !canHaveDefault(after) {
		return
	}
	was, is := before.Default(), after.Default()
	if !sameDefault(scalar(before, was), scalar(after, is)) {
		c.breaking("FIELD_SAME_DEFAULT", before.FullName(), "changed its default from %v to %v",
			scalar(before, was), scalar(after, is))
	}
}

// canHaveDefault leaves out what is empty when it is unset: lists, maps and messages.
func canHaveDefault(field protoreflect.FieldDescriptor) bool {
	return !field.IsList() && !field.IsMap() && field.Message() == nil
}

// scalar is a default as a string, a float32, a float64 or a *big.Int, whatever the width of an integer field. Integers are
// big because neither int64 nor uint64 holds the defaults of both.
func scalar(field protoreflect.FieldDescriptor, value protoreflect.Value) any {
	switch field.Kind() {
	case protoreflect.StringKind:
		return value.String()
	case protoreflect.BytesKind:
		return string(value.Bytes())
	case protoreflect.BoolKind:
		if value.Bool() {
			return big.NewInt(1)
		}
		return new(big.Int)
	case protoreflect.EnumKind:
		return big.NewInt(int64(value.Enum()))
	case protoreflect.FloatKind:
		return float32(value.Float())
	case protoreflect.DoubleKind:
		return value.Float()
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind, protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return new(big.Int).SetUint64(value.Uint())
	default:
		return big.NewInt(value.Int())
	}
}

// sameDefault compares values whose types may differ: a field that became a string from bytes, or a double from a float,
// still has the same default if its reader sees the same. All zero values are one.
func sameDefault(was, is any) bool {
	switch was := was.(type) {
	case string:
		if is, ok := is.(string); ok {
			return was == is
		}
	case *big.Int:
		if is, ok := is.(*big.Int); ok {
			return was.Cmp(is) == 0
		}
	}
	return isZero(was) && isZero(is) || sameFloat(was, is)
}

// isZero knows the default of a field that declares none.
func isZero(value any) bool {
	switch value := value.(type) {
	case string:
		return value == ""
	case float32:
		return value == 0
	case float64:
		return value == 0
	case *big.Int:
		return value.Sign() == 0
	default:
		return false
	}
}

// sameFloat compares numbers of which one is a float, at the width of the narrower one: a float that became a double
// has the digits that it had.
func sameFloat(was, is any) bool {
	a, narrowA, okA := float(was)
	b, narrowB, okB := float(is)
	if !okA || !okB {
		return false
	}
	if narrowA || narrowB {
		a, b = float64(float32(a)), float64(float32(b))
	}
	return a == b || math.IsNaN(a) && math.IsNaN(b)
}

// float answers a number as a double, and whether it had the width of a float. A whole number that a double cannot hold
// exactly is no float: ok is false.
func float(value any) (number float64, narrow, ok bool) {
	switch value := value.(type) {
	case float32:
		return float64(value), true, true
	case float64:
		return value, false, true
	case *big.Int:
		exact, accuracy := new(big.Float).SetInt(value).Float64()
		return exact, false, accuracy == big.Exact
	default:
		return 0, false, false
	}
}
