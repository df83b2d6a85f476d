package dispatcher

import (
	"context"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/types/known/anypb"

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
func (d *Dispatcher) RegisterService(namespace, service, methodName string, serve ServiceHandler) error {
	var problems []string
	for _, err := range []error{name.CheckService(service), name.CheckMethod(methodName)} {
		if err != nil {
			problems = append(problems, err.Error())
		}
	}
	if serve == nil {
		problems = append(problems, "the handler is nil")
	}
	if len(problems) > 0 {
		return d.registrar.refusal(namespace, problems)
	}
	spec := connect.Spec{StreamType: connect.StreamTypeUnary, Procedure: name.Procedure(service, methodName)}
	untyped := handler.Untyped{
		Self: d.id, Log: d.log, Procedure: spec.Procedure,
		Types: func() descriptor.Resolver { return d.types.in(namespace) },
		Validate: func(ctx context.Context, in *anypb.Any) *refusal.Refusal {
			return d.validation.validateUntyped(ctx, namespace, spec.Procedure, in)
		},
	}
	return d.registrar.add(namespace, []connect.Method{{Spec: spec, Handler: untyped.Handler(serve)}})
}
