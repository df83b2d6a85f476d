package dispatcher

import (
	"context"
	"errors"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
)

// Handle adds one unary method to a namespace, served by a function of its own message types:
//
//	method := usersv1.File_users_v1_users_proto.Services().ByName("UserService").Methods().ByName("GetUser")
//	err := dispatcher.Handle(d, "users", method,
//		func(ctx context.Context, in *usersv1.GetUserRequest) (*usersv1.GetUserResponse, error) { … })
//
// It is refused, with every reason at once, when the method streams, when Req or Res is not its message type, and for
// what [Dispatcher.Register] refuses.
func Handle[Req, Res proto.Message](
	d *Dispatcher, namespace string, method protoreflect.MethodDescriptor, fn func(context.Context, Req) (Res, error),
) error {
	var req Req
	var res Res
	if problems := checkHandle(method, req, res, fn == nil); len(problems) > 0 {
		return d.registrar.refusal(namespace, problems)
	}
	requests := req.ProtoReflect().Type()
	handler := func(ctx context.Context, _ connect.Spec, stream connect.ServerStream) error {
		in, ok := requests.New().Interface().(Req)
		if !ok { // a message type whose New makes another Go type; none of protobuf's does
			return errNewMessage
		}
		if err := stream.Receive(in); err != nil {
			return err
		}
		out, err := fn(ctx, in)
		if err != nil {
			return err
		}
		return stream.Send(out)
	}
	return d.registrar.add(namespace, []connect.Method{{Spec: hosted.SpecOf(method), Handler: handler}})
}

var errNewMessage = errors.New("the request type does not make messages of its own Go type")

func checkHandle(method protoreflect.MethodDescriptor, req, res proto.Message, noFunc bool) []string {
	if method == nil {
		return []string{"the method descriptor is nil"}
	}
	var problems []string
	full := string(method.FullName())
	if noFunc {
		problems = append(problems, full+": the function is nil")
	}
	if method.IsStreamingClient() || method.IsStreamingServer() {
		problems = append(problems, full+" streams; use Register, RegisterImplementation or RegisterDynamic")
	}
	problems = append(problems, checkMessage(full+" takes", req, method.Input())...)
	return append(problems, checkMessage(full+" returns", res, method.Output())...)
}

// checkMessage compares a Go message type, given by a nil value of it, with the message that a descriptor wants.
func checkMessage(what string, got proto.Message, want protoreflect.MessageDescriptor) []string {
	if got == nil {
		return []string{what + " " + string(want.FullName()) + ", the function has an interface there"}
	}
	if _, dynamic := got.(*dynamicpb.Message); dynamic {
		return []string{what + " " + string(want.FullName()) + ", the function has a dynamic message; use RegisterDynamic"}
	}
	if has := got.ProtoReflect().Descriptor().FullName(); has != want.FullName() {
		return []string{what + " " + string(want.FullName()) + ", the function has " + string(has)}
	}
	return nil
}
