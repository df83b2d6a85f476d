package registry_test

import (
	"strings"
	"testing"

	"connectrpc.com/connect/v2"

	collector "github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/registry"
)

func TestAddServiceOfGeneratedCode(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	services := collector.File_collector_registry_proto.Services()
	for range 2 { // the second time changes nothing
		if err := r.AddService("system", services.Get(0)); err != nil { // the process itself may use it
			t.Fatal(err)
		}
	}
	if err := r.ValidateInput(t.Context(), "system", "CollectorRegistry", "LookupService", "collector.LookupServiceRequest"); err != nil {
		t.Error(err)
	}
}

func TestAddServiceRefuses(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	users := built(t, usersFile())
	if err := r.AddService("n", users.Services().Get(0)); err != nil {
		t.Fatal(err)
	}
	before := revision(t, r)

	checkError(t, r.AddService("n n", users.Services().Get(0)), connect.CodeInvalidArgument, nil, "namespace")
	checkError(t, r.AddService("n", nil), connect.CodeInvalidArgument, nil, "nil")

	lost := protoFile("users", "users", message("User", "name", "email"), service("UserService", "users.User", "GetUser"))
	checkError(t, r.AddService("n", built(t, lost).Services().Get(0)), connect.CodeFailedPrecondition, registry.ErrBreaking,
		"users.UserService.PutUser is gone", "RPC_NO_DELETE")

	// Another service in another version of the same file.
	other := usersFile(service("Other", "users.User", "Get"))
	checkError(t, r.AddService("n", built(t, other).Services().Get(1)), connect.CodeAlreadyExists, registry.ErrConflict,
		"users/users.proto")

	if revision(t, r) != before {
		t.Error("a refused service changed the registry")
	}
	if err := r.ValidateServiceMethod(t.Context(), "n", "Other", "Get"); err == nil {
		t.Error("a refused service is there")
	}
}

func TestAddServiceGrows(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	if err := r.AddService("n", built(t, usersFile()).Services().Get(0)); err != nil {
		t.Fatal(err)
	}
	grown := protoFile("users", "users", message("User", "name", "email", "phone"),
		service("UserService", "users.User", "GetUser", "PutUser", "ListUsers"))
	if err := r.AddService("n", built(t, grown).Services().Get(0)); err != nil {
		t.Fatal(err)
	}
	if err := r.ValidateServiceMethod(t.Context(), "n", "UserService", "ListUsers"); err != nil {
		t.Error(err)
	}
}

// A file that only removed services needed no longer binds anybody.
func TestRemoveServiceReleasesItsFiles(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	if err := r.AddService("n", built(t, usersFile()).Services().Get(0)); err != nil {
		t.Fatal(err)
	}
	r.RemoveService("n", "users.UserService")
	r.RemoveService("n", "users.UserService")
	r.RemoveService("other", "users.UserService")
	changed := protoFile("users", "users", message("User"), service("UserService", "users.User", "Other"))
	if err := r.AddService("n", built(t, changed).Services().Get(0)); err != nil {
		t.Error(err)
	}
}

func TestLocalAndRegisteredServices(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	if err := r.AddService("n", built(t, usersFile()).Services().Get(0)); err != nil {
		t.Fatal(err)
	}
	t.Run("request breaks what is served", func(t *testing.T) {
		squat := protoFile("users", "mine", message("User", "x"), service("UserService", "users.User", "Steal"))
		_, err := r.RegisterService(t.Context(), serviceRequest("n", squat))
		checkError(t, err, connect.CodeFailedPrecondition, registry.ErrBreaking, "users.UserService.GetUser is gone")
	})
	t.Run("request imports a file of the process", func(t *testing.T) {
		orders := protoFile("orders", "orders", imports("users/users.proto"), typed("Order", "users.User"),
			service("OrderService", "orders.Order", "GetOrder"))
		registerService(t, r, "n", orders)
	})
	t.Run("request registers the same", func(t *testing.T) {
		registerService(t, r, "n", usersFile())
		r.RemoveService("n", "users.UserService")
		if err := r.ValidateServiceMethod(t.Context(), "n", "UserService", "GetUser"); err != nil {
			t.Errorf("the registered service went with the local one: %v", err)
		}
	})
	t.Run("process breaks what is registered", func(t *testing.T) {
		lost := protoFile("users", "users", message("User", "name", "email"), service("UserService", "users.User", "GetUser"))
		if err := r.AddService("n", built(t, lost).Services().Get(0)); err != nil {
			t.Fatal(err)
		}
		checkError(t, r.ValidateServiceMethod(t.Context(), "n", "UserService", "PutUser"), connect.CodeNotFound, nil, "PutUser")
		if aside := lookup(t, r, "n", "UserService").GetService().GetSetAside(); !strings.Contains(aside, "PutUser") {
			t.Errorf("set aside = %q", aside)
		}
	})
}

func TestLocalServicesAreNotStored(t *testing.T) {
	t.Parallel()
	db := tempDB(t)
	r := newRegistry(t, registry.WithStore(db))
	if err := r.AddService("n", built(t, usersFile()).Services().Get(0)); err != nil {
		t.Fatal(err)
	}
	again := newRegistry(t, registry.WithStore(db))
	if err := again.ValidateServiceMethod(t.Context(), "n", "UserService", "GetUser"); err == nil {
		t.Error("a local service outlived its process")
	}
}
