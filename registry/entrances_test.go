package registry_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/collectiverpc/collective/dispatcher"
	collector "github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/internal/meshtest"
	"github.com/collectiverpc/collective/registry"
)

// serving is a collector that hosts more than a registry allows, and counts what runs.
type serving struct {
	*meshtest.Collector
	users protoreflect.FileDescriptor
	ran   *atomic.Int64
}

// serveUsers hosts users.UserService typed and UntypedService untyped in namespaces `one` and `two`.
func serveUsers(t *testing.T, validator dispatcher.RegistryValidator) serving {
	t.Helper()
	a := meshtest.Serve(t, "a", []string{"one", "two"}, dispatcher.WithRegistry(validator), meshtest.Permissive())
	s := serving{a, built(t, usersFile()), new(atomic.Int64)}
	for _, namespace := range []string{"one", "two"} {
		err := errors.Join(
			s.RegisterDynamic(namespace, s.users.Services().Get(0), func(_ context.Context, spec connect.Spec, stream connect.ServerStream) error {
				in := dynamicpb.NewMessage(spec.Schema.(protoreflect.MethodDescriptor).Input())
				if err := stream.Receive(in); err != nil {
					return err
				}
				s.ran.Add(1)
				return stream.Send(in)
			}),
			s.RegisterService(namespace, "UntypedService", "Greet", func(_ context.Context, in any) (any, error) {
				s.ran.Add(1)
				return in, nil
			}))
		if err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// attempt is a call of a method with a message.
type attempt struct {
	namespace, service, method string
	in                         proto.Message
}

func (s serving) getUser(namespace, method string) attempt {
	return attempt{namespace, "users.UserService", method, dynamicpb.NewMessage(s.users.Messages().ByName("User"))}
}

// outcome is how a call ended, whichever entrance told it.
type outcome struct {
	code, reason, text string
}

// entrances are the ways into a collector.
func (s serving) entrances(t *testing.T) map[string]func(ctx context.Context, a attempt) outcome {
	t.Helper()
	native := func(opts ...connecthttp.Option) func(context.Context, attempt) outcome {
		client := connect.NewClient(connecthttp.NewTransport(meshtest.HTTP2Client(t), "http://"+s.Address, opts...))
		return func(ctx context.Context, a attempt) outcome {
			ctx, info := connect.NewClientContext(ctx)
			info.RequestHeader().Set("Collective-Namespace", a.namespace)
			return called(client.CallUnary(ctx, specOf(a), wireMessage(t, a), answerOf(a)), info.ResponseHeader().Get("Collective-Reason"))
		}
	}
	return map[string]func(context.Context, attempt) outcome{
		"Serve": func(ctx context.Context, a attempt) outcome {
			res, err := s.Serve(ctx, &collector.ServeRequest{
				Namespace: a.namespace, Service: &collector.ServiceTypeRef{ServiceName: a.service}, MethodName: a.method, Input: packed(t, a.in),
			})
			return told(t, res.GetStatus(), err)
		},
		"Dispatch": func(ctx context.Context, a attempt) outcome {
			res, err := s.Dispatch(ctx, &collector.DispatchRequest{
				Namespace: a.namespace, Service: &collector.ServiceTypeRef{ServiceName: a.service}, MethodName: a.method, Input: packed(t, a.in),
			})
			return told(t, res.GetStatus(), err)
		},
		"native Connect":  native(),
		"native gRPC":     native(connecthttp.WithGRPC()),
		"native gRPC-Web": native(connecthttp.WithGRPCWeb()),
		"in process": func(ctx context.Context, a attempt) outcome {
			return called(connect.NewClient(s.Transport(a.namespace)).CallUnary(ctx, specOf(a), wireMessage(t, a), answerOf(a)), "")
		},
	}
}

func specOf(a attempt) connect.Spec { return connect.Spec{Procedure: "/" + a.service + "/" + a.method} }

// wireMessage is what a client of a method sends: an untyped one takes an Any.
func wireMessage(t *testing.T, a attempt) proto.Message {
	if a.service == "UntypedService" {
		return packed(t, a.in)
	}
	return a.in
}

func answerOf(a attempt) proto.Message {
	if a.service == "UntypedService" {
		return new(anypb.Any)
	}
	return dynamicpb.NewMessage(a.in.ProtoReflect().Descriptor())
}

func packed(t *testing.T, message proto.Message) *anypb.Any {
	t.Helper()
	in, err := anypb.New(message)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func told(t *testing.T, status *collector.Status, err error) outcome {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return outcome{status.GetDetails()["code"], status.GetDetails()["reason"], status.GetMessage()}
}

func called(err error, reason string) outcome {
	if err == nil {
		return outcome{code: "ok"}
	}
	return outcome{connect.CodeOf(err).String(), reason, err.Error()}
}

// check makes a call at every entrance. A refused call must not run.
func (s serving) check(ctx context.Context, t *testing.T, a attempt, code, reason, text string) {
	t.Helper()
	for name, enter := range s.entrances(t) {
		before := s.ran.Load()
		got := enter(ctx, a)
		if got.code != code || got.reason != "" && got.reason != reason || !strings.Contains(got.text, text) {
			t.Errorf("%s: %s %s/%s = %+v, want %s %s %q", name, a.namespace, a.service, a.method, got, code, reason, text)
		}
		if ran := s.ran.Load() > before; ran != (code == "ok") {
			t.Errorf("%s: %s %s/%s: ran is %v", name, a.namespace, a.service, a.method, ran)
		}
	}
}

// allowing registers less than serveUsers hosts: nothing in namespace two, no PutUser, and a Greet of strings.
func allowing(t *testing.T, r *registry.Registry) {
	t.Helper()
	registerService(t, r, "one", protoFile("users", "users", message("User", "name", "email"), service("UserService", "users.User", "GetUser")))
	untyped := protoFile("", "", imports("google/protobuf/wrappers.proto"), service("UntypedService", "google.protobuf.StringValue", "Greet"))
	untyped.Name = proto.String("untyped.proto")
	registerService(t, r, "one", untyped)
}

// asked hides what a registry can beside validating, so that it learns of services by registration only.
type asked struct{ dispatcher.RegistryValidator }

func (a asked) ValidateInput(ctx context.Context, namespace, service, method, messageType string) error {
	return a.RegistryValidator.(interface {
		ValidateInput(ctx context.Context, namespace, service, method, messageType string) error
	}).ValidateInput(ctx, namespace, service, method, messageType)
}

// Whoever validates, namespace, method and input type are checked before anything runs, at every entrance.
func TestEveryEntranceValidates(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	allowing(t, r)
	validators := map[string]dispatcher.RegistryValidator{"local": asked{r}}
	for protocol, client := range clients(t, r) {
		validators["remote over "+protocol] = registry.NewGRPCRegistryValidator(client)
	}
	for name, validator := range validators {
		t.Run(name, func(t *testing.T) {
			s := serveUsers(t, validator)
			s.check(t.Context(), t, s.getUser("one", "GetUser"), "ok", "", "")
			s.check(t.Context(), t, s.getUser("one", "PutUser"), "not_found", "not_registered", `no method "PutUser"`)
			s.check(t.Context(), t, s.getUser("two", "GetUser"), "not_found", "not_registered", `namespace "two"`)
			s.check(t.Context(), t, attempt{"one", "UntypedService", "Greet", wrapperspb.String("bob")}, "ok", "", "")
			s.check(t.Context(), t, attempt{"one", "UntypedService", "Greet", wrapperspb.Int64(7)}, "invalid_argument", "input_type", "google.protobuf.StringValue")
		})
	}
}

// A registry that knows a method with another message than the handler takes refuses it, however it is called.
func TestEveryEntranceValidatesTheInputOfTheHandler(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	registerService(t, r, "one", protoFile("users", "users", message("User", "name"), message("Other"), service("UserService", "users.Other", "GetUser")))
	s := serveUsers(t, asked{r})
	s.check(t.Context(), t, s.getUser("one", "GetUser"), "invalid_argument", "input_type", "takes users.Other")
}

// What is registered at the remote counts here as soon as the cache hears of a newer revision.
func TestEveryEntranceFollowsTheRemote(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	registerService(t, r, "one", protoFile("users", "users", message("User", "name", "email"), service("UserService", "users.User", "GetUser")))
	s := serveUsers(t, registry.NewGRPCRegistryValidator(clients(t, r)["gRPC"], registry.WithCacheTTL(time.Hour)))
	s.check(t.Context(), t, s.getUser("one", "GetUser"), "ok", "", "")

	req := serviceRequest("one", protoFile("users", "users", message("User", "name", "email"), message("Other"), service("UserService", "users.Other", "GetUser")))
	req.Force = true
	if _, err := r.RegisterService(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	s.check(t.Context(), t, s.getUser("one", "PutUser"), "not_found", "not_registered", "PutUser") // brings the new revision
	s.check(t.Context(), t, s.getUser("one", "GetUser"), "invalid_argument", "input_type", "takes users.Other")
}

// A caller's deadline ends the wait for a slow registry, and is not taken for the registry's verdict.
func TestEveryEntranceWithASlowRemote(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	fake.failWith(errHangs)
	t.Run("longer than the caller waits", func(t *testing.T) {
		t.Parallel()
		s := serveUsers(t, registry.NewGRPCRegistryValidator(fake, registry.WithAskTimeout(time.Minute)))
		for name, enter := range s.entrances(t) {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			got := enter(ctx, s.getUser("one", "GetUser"))
			cancel()
			if got.code != "deadline_exceeded" || s.ran.Load() != 0 {
				t.Errorf("%s: %+v, ran %d", name, got, s.ran.Load())
			}
		}
	})
	t.Run("longer than the collector asks", func(t *testing.T) {
		t.Parallel()
		s := serveUsers(t, registry.NewGRPCRegistryValidator(fake, registry.WithAskTimeout(50*time.Millisecond)))
		s.check(t.Context(), t, s.getUser("one", "GetUser"), "unavailable", "unreachable", "cannot be asked")
		s = serveUsers(t, registry.NewGRPCRegistryValidator(fake, registry.WithAskTimeout(50*time.Millisecond), registry.WithFailOpen()))
		s.check(t.Context(), t, s.getUser("one", "GetUser"), "ok", "", "")
	})
}
