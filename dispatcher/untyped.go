package dispatcher

import (
	"context"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strconv"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/collectiverpc/collective/dispatcher/internal/handler"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/internal/descriptor"
	"github.com/collectiverpc/collective/internal/name"
)

// ServiceHandler is the seed's untyped handler.
//
// input is a Go string, bool, int32, int64, uint32, uint64, float32, float64 or []byte if the call brought the
// google.protobuf wrapper of that type; a map[string]any, a []any, or what it holds, for a google.protobuf.Struct,
// ListValue or Value, numbers as float64; nil if it brought nothing or a google.protobuf.Empty; else the message, whose
// type is linked into the program or, as a message of package dynamicpb, known in the namespace.
//
// The output may be any of these scalars, of a named type too; an int, int8, int16, uint, uint8, uint16 (they become the
// wrapper of the next larger size); any proto.Message; or a map, slice, array, struct or pointer that encoding/json can
// write, which becomes a google.protobuf.Value, with json tags, and with protobuf messages in it as protojson writes
// them. nil becomes a google.protobuf.Empty. What does not fit, such as an integer that a double would round, is
// answered as internal, with its type and place.
//
// The text of an error reaches the caller, as in the seed: what it must not know belongs into the log. A *connect.Error
// keeps its code and details; the code of another error is unknown. Handlers of all other kinds keep connect's rule,
// by which only a *connect.Error has a text for the caller.
type ServiceHandler func(ctx context.Context, input interface{}) (interface{}, error)

// RegisterService adds one untyped method to a namespace. service is the name under which it is called: what the seed
// calls `UserService` may as well be `users.v1.UserService`. Between collectors the method takes and returns a
// google.protobuf.Any.
func (d *Dispatcher) RegisterService(namespace, service, methodName string, handler ServiceHandler) error {
	var problems []string
	for _, err := range []error{name.CheckService(service), name.CheckMethod(methodName)} {
		if err != nil {
			problems = append(problems, err.Error())
		}
	}
	if handler == nil {
		problems = append(problems, "the handler is nil")
	}
	if len(problems) > 0 {
		return d.registrationError(namespace, problems)
	}
	spec := connect.Spec{StreamType: connect.StreamTypeUnary, Procedure: name.Procedure(service, methodName)}
	return d.addMethods(namespace, []connect.Method{{Spec: spec, Handler: d.untyped(namespace, spec.Procedure, handler)}})
}

// untyped makes a ServerFunc of a ServiceHandler.
func (d *Dispatcher) untyped(namespace, procedure string, serve ServiceHandler) connect.ServerFunc {
	receive := func() any { return new(anypb.Any) }
	types := func() descriptor.Resolver { return d.typesIn(namespace) }
	return handler.Unary(receive, func(ctx context.Context, in any) (any, error) {
		packed := in.(*anypb.Any) //nolint:forcetypeassert // receive made it
		if r := d.validation.validateUntyped(ctx, namespace, procedure, packed); r != nil {
			return nil, r.Err(d.id)
		}
		input, r := toGo(packed, types)
		if r != nil {
			return nil, r.Err(d.id)
		}
		output, err := serve(ctx, input)
		if err != nil {
			return nil, d.handlerError(ctx, procedure, err)
		}
		out, err := toAny(output)
		if err != nil {
			return nil, connect.NewError(connect.CodeInternal, "the handler of "+refusal.Spoken(procedure)+" "+err.Error())
		}
		return out, nil
	})
}

// handlerError is what the caller of an untyped handler is told of its error: the text, whatever the error is. The end
// of the caller's own time is the mesh's to tell.
func (d *Dispatcher) handlerError(ctx context.Context, procedure string, err error) error {
	if over := ctx.Err(); over != nil && errors.Is(err, over) || err == context.Canceled || err == context.DeadlineExceeded { //nolint:errorlint // nothing was added to say
		return err
	}
	own, ok := errors.AsType[*connect.Error](err)
	if ok && (own.IsRemote() || own == err) { //nolint:errorlint // one that is wrapped has more text
		return err
	}
	d.log.WarnContext(ctx, "handler failed", slog.String("procedure", procedure), slog.Any("error", err))
	if !ok {
		return connect.NewError(codeOf(err), shortened(err.Error())).WithCause(err)
	}
	told := connect.NewError(own.Code(), shortened(err.Error())).WithCause(err)
	for _, detail := range own.Details() {
		told = told.WithDetail(detail)
	}
	return told
}

// shortened keeps a text out of the limits that clients have for trailers; the log has all of it.
func shortened(text string) string {
	const longest = 4 << 10
	if len(text) <= longest {
		return text
	}
	return text[:longest] + "… (" + strconv.Itoa(len(text)-longest) + " more bytes in the log)"
}

// codeOf is the code of a handler's error that has none of its own.
func codeOf(err error) connect.Code {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return connect.CodeDeadlineExceeded
	case errors.Is(err, context.Canceled):
		return connect.CodeCanceled
	}
	return connect.CodeUnknown
}

// toGo unwraps the input of an untyped handler.
func toGo(in *anypb.Any, types func() descriptor.Resolver) (any, *refusal.Refusal) {
	if in.GetTypeUrl() == "" && len(in.GetValue()) == 0 {
		return nil, nil
	}
	message, r := unpack(in, types)
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

// toAny wraps the output of an untyped handler.
func toAny(output any) (*anypb.Any, error) {
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
