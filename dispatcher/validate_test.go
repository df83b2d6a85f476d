package dispatcher_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"connectrpc.com/connect/v2"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/gen/collector"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/mesh"
)

// allowed is a validator with a list of "namespace service method".
type allowed []string

func (a allowed) ValidateServiceMethod(_ context.Context, namespace, service, method string) error {
	if asked := fmt.Sprint(namespace, " ", service, " ", method); !slices.Contains(a, asked) {
		return errors.New(asked + " is not registered")
	}
	return nil
}

func greet(t *testing.T, n node, namespace, service, method string) *collector.Status {
	t.Helper()
	res, err := n.Serve(t.Context(), &collector.ServeRequest{
		Namespace: namespace, Service: ref(service), MethodName: method, Input: pack(t, wrapperspb.String("bob")),
	})
	if err != nil {
		t.Fatal(err)
	}
	return res.GetStatus()
}

func TestRegistryValidation_ValidAndInvalidService(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"users"}, dispatcher.WithRegistry(allowed{"users x.v1.UserService GetUser"}))
	a.registerString(t, "users", "x.v1.UserService", "GetUser")
	a.registerString(t, "users", "x.v1.UserService", "DropAll")
	if status := greet(t, a, "users", "UserService", "GetUser"); status.GetCode() != 200 {
		t.Errorf("valid: %v", status)
	}
	wrong{code: 404, connect: connect.CodeNotFound, reason: "not_registered", message: "users x.v1.UserService DropAll is not registered"}.
		check(t, greet(t, a, "users", "UserService", "DropAll"), "a")
}

func TestRegistryValidation_NamespaceIsolation(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"blue", "green"}, dispatcher.WithRegistry(allowed{"blue S M"}))
	a.registerString(t, "blue", "S", "M")
	a.registerString(t, "green", "S", "M")
	if status := greet(t, a, "blue", "S", "M"); status.GetCode() != 200 {
		t.Errorf("blue: %v", status)
	}
	wrong{code: 404, connect: connect.CodeNotFound, reason: "not_registered", message: "green"}.check(t, greet(t, a, "green", "S", "M"), "a")
}

func TestRegistryValidation_EveryEntranceAsks(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	if err := b.SetRegistryValidator(allowed{}); err != nil {
		t.Fatal(err)
	}
	for _, n := range []node{a, b} {
		_, err := n.client(t).Echo(t.Context(), &testingv1.EchoRequest{})
		if connect.CodeOf(err) != connect.CodeNotFound {
			t.Errorf("native at %s: %v", n.ID(), err)
		}
		res, err := n.Dispatch(t.Context(), &collector.DispatchRequest{Namespace: "test", Service: ref("EchoService"), MethodName: "Echo"})
		if err != nil || res.GetStatus().GetDetails()["reason"] != "not_registered" {
			t.Errorf("Dispatch at %s: %v, %v", n.ID(), res, err)
		}
		err = connect.NewClient(n.Transport("test")).CallUnary(t.Context(), connect.Spec{Procedure: "/collector.testing.v1.EchoService/Echo"}, &testingv1.EchoRequest{}, &testingv1.EchoResponse{})
		if connect.CodeOf(err) != connect.CodeNotFound {
			t.Errorf("in process at %s: %v", n.ID(), err)
		}
	}
}

func TestRegistryValidation_SetAtRunTime(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"users"})
	a.registerString(t, "users", "S", "M")
	for _, step := range []struct {
		validator dispatcher.RegistryValidator
		code      int32
	}{{nil, 200}, {allowed{}, 404}, {allowed{"users S M"}, 200}, {allowed{}, 404}, {nil, 200}} {
		if err := a.SetRegistryValidator(step.validator); err != nil {
			t.Fatal(err)
		}
		if status := greet(t, a, "users", "S", "M"); status.GetCode() != step.code {
			t.Errorf("with %v: %v", step.validator, status)
		}
	}
}

func TestRegistryValidation_UnreachableIsNotUnknown(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"users"}, dispatcher.WithRegistry(validatorFunc(func() error {
		return connect.NewError(connect.CodeUnavailable, "the registry is away")
	})))
	a.registerString(t, "users", "S", "M")
	wrong{code: 503, connect: connect.CodeUnavailable, reason: "unreachable", message: "the registry is away"}.check(t, greet(t, a, "users", "S", "M"), "a")
}

type validatorFunc func() error

func (f validatorFunc) ValidateServiceMethod(context.Context, string, string, string) error {
	return f()
}

// listening is a validator with everything that a validator may have.
type listening struct {
	mu       sync.Mutex
	services []string
	inputs   []string
	refuse   string
}

func (l *listening) ValidateServiceMethod(context.Context, string, string, string) error { return nil }

func (l *listening) ValidateInput(_ context.Context, namespace, service, method, messageType string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inputs = append(l.inputs, fmt.Sprint(namespace, " ", service, " ", method, " ", messageType))
	return nil
}

func (l *listening) AddService(namespace string, sd protoreflect.ServiceDescriptor) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if string(sd.FullName()) == l.refuse {
		return errors.New("that one breaks what is there")
	}
	l.services = append(l.services, "+"+namespace+" "+string(sd.FullName()))
	return nil
}

func (l *listening) RemoveService(namespace, fullName string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.services = append(l.services, "-"+namespace+" "+fullName)
}

func TestRegistryValidation_HearsOfServicesAndInputs(t *testing.T) {
	t.Parallel()
	l := new(listening)
	a := serve(t, "a", []string{"test", "other"}, dispatcher.WithRegistry(l))
	a.hostEcho(t, "test")
	a.registerString(t, "test", "S", "M") // has no descriptor
	greet(t, a, "test", "S", "M")
	if _, err := a.Serve(t.Context(), &collector.ServeRequest{Namespace: "test", Service: ref("EchoService"), MethodName: "Echo", Input: pack(t, &testingv1.EchoRequest{})}); err != nil {
		t.Fatal(err)
	}
	a.UnregisterMethod("test", "collector.testing.v1.EchoService", "Echo") // others of the service are left
	a.Unregister("test", "collector.testing.v1.EchoService")
	wantServices := []string{"+test collector.testing.v1.EchoService", "-test collector.testing.v1.EchoService"}
	if diff := cmp.Diff(wantServices, l.services); diff != "" {
		t.Errorf("services (-want +got):\n%s", diff)
	}
	wantInputs := []string{"test S M google.protobuf.StringValue", "test collector.testing.v1.EchoService Echo collector.testing.v1.EchoRequest"}
	if diff := cmp.Diff(wantInputs, l.inputs); diff != "" {
		t.Errorf("inputs (-want +got):\n%s", diff)
	}
}

func TestRegistryValidation_RefusesARegistration(t *testing.T) {
	t.Parallel()
	l := &listening{refuse: "collector.testing.v1.EchoService"}
	a := serve(t, "a", []string{"test"}, dispatcher.WithRegistry(l))
	err := a.RegisterImplementation("test", echoService(), echo{"a"})
	if !errors.Is(err, dispatcher.ErrRegistration) {
		t.Fatalf("err = %v", err)
	}
	if _, err := a.client(t).Echo(t.Context(), &testingv1.EchoRequest{}); connect.CodeOf(err) != connect.CodeUnimplemented {
		t.Errorf("it is served all the same: %v", err)
	}
	if err := a.SetRegistryValidator(nil); err != nil {
		t.Fatal(err)
	}
	a.hostEcho(t, "test")
	if err := a.SetRegistryValidator(l); err == nil {
		t.Error("a validator that refuses what is registered was set")
	}
}

// twoQuestions is a validator with an answer for each question, and wholeQuestion one that has both in one.
type twoQuestions struct {
	method, input error
	asked         *atomic.Int64 // questions of all kinds
}

func (q twoQuestions) ValidateServiceMethod(context.Context, string, string, string) error {
	q.asked.Add(1)
	return q.method
}

func (q twoQuestions) ValidateInput(context.Context, string, string, string, string) error {
	q.asked.Add(1)
	return q.input
}

type wholeQuestion struct{ twoQuestions }

func (q wholeQuestion) ValidateCall(context.Context, string, string, string, string) error {
	q.asked.Add(1)
	if q.method != nil {
		return q.method
	}
	return q.input
}

// A validator that answers both questions in one refuses as it did with two, and a call that may run is asked about once.
func TestRegistryValidation_OneQuestionRefusesAsTwoDo(t *testing.T) {
	t.Parallel()
	unknown, wrongType := connect.NewError(connect.CodeNotFound, "no such method"), connect.NewError(connect.CodeInvalidArgument, "another message")
	for _, tt := range []struct {
		name          string
		method, input error
		code          connect.Code
		reason        mesh.Reason
		questions     int64
	}{
		{"runs", nil, nil, 0, "", 1},
		{"method", unknown, nil, connect.CodeNotFound, mesh.ReasonNotRegistered, 2},
		{"method, as invalid argument", wrongType, nil, connect.CodeInvalidArgument, mesh.ReasonNotRegistered, 2},
		{"both", unknown, wrongType, connect.CodeNotFound, mesh.ReasonNotRegistered, 2},
		{"input", nil, wrongType, connect.CodeInvalidArgument, mesh.ReasonInputType, 2},
		{"input, as not found", nil, unknown, connect.CodeNotFound, mesh.ReasonInputType, 2},
		{"plain method", errors.New("no"), nil, connect.CodeNotFound, mesh.ReasonNotRegistered, 2},
		{"plain input", nil, errors.New("no"), connect.CodeInvalidArgument, mesh.ReasonInputType, 2},
		{"away", connect.NewError(connect.CodeUnavailable, "away"), nil, connect.CodeUnavailable, mesh.ReasonUnreachable, 2},
		{"away for the input", nil, connect.NewError(connect.CodeUnavailable, "away"), connect.CodeUnavailable, mesh.ReasonUnreachable, 2},
		{"time is over", context.DeadlineExceeded, nil, connect.CodeDeadlineExceeded, mesh.ReasonDeadline, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			two := twoQuestions{tt.method, tt.input, new(atomic.Int64)}
			whole := wholeQuestion{twoQuestions{tt.method, tt.input, new(atomic.Int64)}}
			want, got := echoUnder(t, two), echoUnder(t, whole)
			if got.GetDetails()["reason"] != string(tt.reason) || tt.code != 0 && got.GetDetails()["code"] != tt.code.String() {
				t.Errorf("%v, want %v for the reason %q", got, tt.code, tt.reason)
			}
			if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
				t.Errorf("one question is answered otherwise than two (-two +one):\n%s", diff)
			}
			if asked := whole.asked.Load(); asked != tt.questions {
				t.Errorf("%d questions, want %d", asked, tt.questions)
			}
		})
	}
}

// echoUnder calls a typed handler on a collector with that validator.
func echoUnder(t *testing.T, v dispatcher.RegistryValidator) *collector.Status {
	t.Helper()
	a := serve(t, "a", []string{"test"}, dispatcher.WithRegistry(v))
	a.hostEcho(t, "test")
	res, err := a.Serve(t.Context(), &collector.ServeRequest{
		Namespace: "test", Service: ref("EchoService"), MethodName: "Echo", Input: pack(t, &testingv1.EchoRequest{}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return res.GetStatus()
}
