package dispatcher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/collectiverpc/collective/internal/name"
)

// ServiceHandler is the seed's untyped handler.
//
// input is a Go string, bool, int32, int64, uint32, uint64, float32, float64 or []byte if the call brought the
// google.protobuf wrapper of that type; nil if it brought nothing or a google.protobuf.Empty; else the message, whose
// type this process must know. The output may be any of these, an int, int8, int16, uint, uint8, uint16 (they become
// the wrapper of the next larger size), or any proto.Message; nil becomes a google.protobuf.Empty. Any other type is
// answered as internal, with its name.
//
// The text of an error reaches the caller only if it is a *connect.Error; that of another stays in the log.
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
func (d *Dispatcher) untyped(namespace, procedure string, handler ServiceHandler) connect.ServerFunc {
	receive := func() any { return new(anypb.Any) }
	return unaryHandler(receive, func(ctx context.Context, in any) (any, error) {
		packed := in.(*anypb.Any) //nolint:forcetypeassert // receive made it
		if r := d.local.validateUntyped(ctx, namespace, procedure, packed); r != nil {
			return nil, r.err(d.id)
		}
		input, r := d.toGo(packed)
		if r != nil {
			return nil, r.err(d.id)
		}
		output, err := handler(ctx, input)
		if err != nil {
			return nil, d.hideText(ctx, procedure, err)
		}
		out, err := toAny(output)
		if err != nil {
			return nil, connect.NewError(connect.CodeInternal, "the handler of "+spoken(procedure)+" "+err.Error())
		}
		return out, nil
	})
}

// hideText keeps the text of an error that was not written for callers in the log.
func (d *Dispatcher) hideText(ctx context.Context, procedure string, err error) error {
	if _, ok := errors.AsType[*connect.Error](err); ok || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	d.log.WarnContext(ctx, "handler failed", slog.String("procedure", procedure), slog.Any("error", err))
	return connect.NewError(connect.CodeUnknown, "the handler of "+spoken(procedure)+" failed; the log of collector "+
		quoted(d.id)+" has the text (return a *connect.Error to send one)").WithCause(err)
}

// toGo unwraps the input of an untyped handler.
func (d *Dispatcher) toGo(in *anypb.Any) (any, *refusal) {
	if in.GetTypeUrl() == "" && len(in.GetValue()) == 0 {
		return nil, nil
	}
	message, r := unpack(in)
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
	}
	return message, nil
}

// toAny wraps the output of an untyped handler.
func toAny(output any) (*anypb.Any, error) {
	message, ok := toMessage(output)
	if !ok {
		return nil, fmt.Errorf("returned a %T; return a proto.Message, string, bool, number, []byte or nil", output)
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

func toMessage(output any) (proto.Message, bool) {
	switch v := output.(type) {
	case nil:
		return &emptypb.Empty{}, true
	case proto.Message:
		return v, true
	case string:
		return wrapperspb.String(v), true
	case bool:
		return wrapperspb.Bool(v), true
	case []byte:
		return wrapperspb.Bytes(v), true
	case float32:
		return wrapperspb.Float(v), true
	case float64:
		return wrapperspb.Double(v), true
	}
	return integerMessage(output)
}

func integerMessage(output any) (proto.Message, bool) {
	switch v := output.(type) {
	case int:
		return wrapperspb.Int64(int64(v)), true
	case int8:
		return wrapperspb.Int32(int32(v)), true
	case int16:
		return wrapperspb.Int32(int32(v)), true
	case int32:
		return wrapperspb.Int32(v), true
	case int64:
		return wrapperspb.Int64(v), true
	case uint:
		return wrapperspb.UInt64(uint64(v)), true
	case uint8:
		return wrapperspb.UInt32(uint32(v)), true
	case uint16:
		return wrapperspb.UInt32(uint32(v)), true
	case uint32:
		return wrapperspb.UInt32(v), true
	case uint64:
		return wrapperspb.UInt64(v), true
	}
	return nil, false
}
