package registry_test

import (
	"testing"

	"connectrpc.com/connect/v2"

	collector "github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/registry"
)

// twoNames is a registry where the short name UserService could be two services in `both`, but not in `one`.
func twoNames(t *testing.T) *registry.Registry {
	t.Helper()
	r := newRegistry(t)
	registerService(t, r, "one", usersFile())
	registerService(t, r, "both", usersFile())
	registerService(t, r, "both", protoFile("admin", "users", message("User"), service("UserService", "admin.User", "Ban")))
	return r
}

func TestValidateServiceMethod(t *testing.T) {
	t.Parallel()
	r := twoNames(t)
	tests := []struct {
		name                       string
		namespace, service, method string
		code                       connect.Code // 0: valid
		kind                       error
		texts                      []string
	}{
		{"full name", "one", "users.UserService", "GetUser", 0, nil, nil},
		{"short name", "one", "UserService", "PutUser", 0, nil, nil},
		{"full name where the short one is ambiguous", "both", "admin.UserService", "Ban", 0, nil, nil},
		{"ambiguous", "both", "UserService", "GetUser", connect.CodeFailedPrecondition, registry.ErrAmbiguous,
			[]string{"admin.UserService or users.UserService", `"both"`}},
		{"ambiguous, though only one has the method", "both", "UserService", "Ban", connect.CodeFailedPrecondition, registry.ErrAmbiguous, nil},
		{"other namespace", "two", "UserService", "GetUser", connect.CodeNotFound, registry.ErrNotRegistered, []string{"both, one"}},
		{"no service", "one", "OrderService", "GetUser", connect.CodeNotFound, registry.ErrNotRegistered, []string{"OrderService", "users.UserService"}},
		{"no method", "one", "UserService", "Ban", connect.CodeNotFound, registry.ErrNotRegistered, []string{"Ban", "GetUser, PutUser"}},
		{"part of a package", "one", "s.UserService", "GetUser", connect.CodeNotFound, nil, nil},
		{"other case", "one", "userservice", "GetUser", connect.CodeNotFound, nil, nil},
		{"leading dot", "one", ".users.UserService", "GetUser", connect.CodeNotFound, nil, nil},
		{"leading slash", "one", "/users.UserService", "GetUser", connect.CodeNotFound, nil, nil},
		{"procedure", "one", "users.UserService/GetUser", "", connect.CodeNotFound, nil, nil},
		{"empty namespace", "", "UserService", "GetUser", connect.CodeInvalidArgument, nil, []string{"namespace"}},
		{"invalid namespace", "o ne", "UserService", "GetUser", connect.CodeInvalidArgument, nil, []string{"a-z"}},
		{"empty service", "one", "", "GetUser", connect.CodeNotFound, nil, nil},
		{"empty method", "one", "UserService", "", connect.CodeNotFound, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := r.ValidateServiceMethod(t.Context(), tt.namespace, tt.service, tt.method)
			if tt.code == 0 {
				if err != nil {
					t.Error(err)
				}
			} else {
				checkError(t, err, tt.code, tt.kind, tt.texts...)
			}
			checkValidateMethod(t, r, tt.namespace, tt.service, tt.method, err)
		})
	}
}

// checkValidateMethod wants the RPC to say what the validator says.
func checkValidateMethod(t *testing.T, r *registry.Registry, namespace, service, method string, want error) {
	t.Helper()
	answer, err := r.ValidateMethod(t.Context(), &collector.ValidateMethodRequest{
		Namespace: namespace, ServiceName: service, MethodName: method,
	})
	if err != nil || answer.GetStatus().GetCode() != 200 {
		t.Fatalf("ValidateMethod = %v, %v", answer, err)
	}
	if answer.GetIsValid() != (want == nil) || answer.GetIsValid() != (answer.GetMessage() == "") {
		t.Errorf("ValidateMethod = %v, the validator says %v", answer, want)
	}
	if answer.GetIsValid() && (answer.GetInputType() == "" || answer.GetServiceName() == "") {
		t.Errorf("ValidateMethod = %v, want the full names", answer)
	}
}

func TestValidateInput(t *testing.T) {
	t.Parallel()
	r := twoNames(t)
	if err := r.ValidateInput(t.Context(), "one", "UserService", "GetUser", "users.User"); err != nil {
		t.Error(err)
	}
	for _, wrong := range []string{"users.Use", "admin.User", "User", "", ".users.User", "type.googleapis.com/users.User"} {
		err := r.ValidateInput(t.Context(), "one", "UserService", "GetUser", wrong)
		checkError(t, err, connect.CodeInvalidArgument, registry.ErrWrongInput, "users.UserService.GetUser takes users.User")
	}
	err := r.ValidateInput(t.Context(), "one", "UserService", "Nope", "users.User")
	checkError(t, err, connect.CodeNotFound, registry.ErrNotRegistered)

	answer, err := r.ValidateMethod(t.Context(), &collector.ValidateMethodRequest{
		Namespace: "one", ServiceName: "UserService", MethodName: "GetUser", InputType: "users.Other",
	})
	if err != nil || answer.GetIsValid() || answer.GetMessage() == "" {
		t.Errorf("ValidateMethod with a wrong input = %v, %v", answer, err)
	}
}

func TestValidateInputOfAny(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	registerService(t, r, "seed", protoFile("seed", "any",
		imports("google/protobuf/any.proto"), service("UserService", "google.protobuf.Any", "GetUser")))
	if err := r.ValidateInput(t.Context(), "seed", "UserService", "GetUser", "google.protobuf.StringValue"); err != nil {
		t.Errorf("a method that takes anything refuses a string: %v", err)
	}
}

func TestValidateFollowsEveryChange(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	users := built(t, usersFile()).Services().Get(0)
	admin := built(t, protoFile("admin", "a", message("M"), service("UserService", "admin.M", "Ban"))).Services().Get(0)
	plain := built(t, protoFile("", "plain", message("M"), service("UserService", "M", "Get"))).Services().Get(0)
	steps := []struct {
		name         string
		do           func() error
		short, exact bool // "UserService" and "users.UserService" have GetUser
	}{
		{"add users", func() error { return r.AddService("n", users) }, true, true},
		{"add admin", func() error { return r.AddService("n", admin) }, false, true},
		{"remove admin", func() error { r.RemoveService("n", "admin.UserService"); return nil }, true, true},
		{"remove by short name", func() error { r.RemoveService("n", "UserService"); return nil }, true, true},
		{"add one without a package", func() error { return r.AddService("n", plain) }, false, true},
		{"remove users", func() error { r.RemoveService("n", "users.UserService"); return nil }, false, false},
		{"remove the last", func() error { r.RemoveService("n", "UserService"); return nil }, false, false},
		{"add users again", func() error { return r.AddService("n", users) }, true, true},
	}
	before := revision(t, r)
	for _, step := range steps {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		short := r.ValidateServiceMethod(t.Context(), "n", "UserService", "GetUser") == nil
		exact := r.ValidateServiceMethod(t.Context(), "n", "users.UserService", "GetUser") == nil
		if short != step.short || exact != step.exact {
			t.Errorf("%s: short name valid=%v, full name valid=%v", step.name, short, exact)
		}
		if revision(t, r) < before {
			t.Errorf("%s: revision went from %d to %d", step.name, before, revision(t, r))
		}
		before = revision(t, r)
	}
}

func TestValidatingDoesNotAllocate(t *testing.T) {
	r := twoNames(t)
	ctx := t.Context()
	allocs := testing.AllocsPerRun(100, func() {
		if r.ValidateServiceMethod(ctx, "one", "UserService", "GetUser") != nil ||
			r.ValidateInput(ctx, "both", "users.UserService", "GetUser", "users.User") != nil ||
			r.ValidateCall(ctx, "both", "users.UserService", "GetUser", "users.User") != nil {
			t.Error("refused")
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
