package registry_test

import (
	"path/filepath"
	"testing"

	"connectrpc.com/connect/v2"
	"github.com/google/go-cmp/cmp"

	collector "github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/registry"
)

// poisoned is a service whose registered schema breaks the one that the program has.
func poisoned(t *testing.T, r *registry.Registry) {
	t.Helper()
	registerService(t, r, "n", protoFile("users", "users", message("User", "name"), message("Other"),
		service("UserService", "users.Other", "Gone", "GetUser")))
}

// TestPoisonedRegistry is a registration, made by whoever could, that breaks what the program serves after its next start.
func TestPoisonedRegistry(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	db := openDB(t, path)
	poisoned(t, newRegistry(t, registry.WithStore(db)))
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	r := newRegistry(t, registry.WithStore(openDB(t, path)))
	running := built(t, usersFile()).Services().Get(0)
	if err := r.AddService("n", running); err != nil {
		t.Fatalf("a registration keeps a program from starting: %v", err)
	}
	if err := r.ValidateInput(t.Context(), "n", "users.UserService", "PutUser", "users.User"); err != nil {
		t.Errorf("the schema of the running program does not count: %v", err)
	}
	checkError(t, r.ValidateServiceMethod(t.Context(), "n", "users.UserService", "Gone"), connect.CodeNotFound, nil, "Gone")
	shown := lookup(t, r, "n", "users.UserService").GetService()
	if shown.GetSetAside() == "" || shown.GetMetadata().GetLabels()["source"] != "local" {
		t.Errorf("LookupService does not show what is kept aside: %v", shown)
	}

	answer := unregister(t, r, "users.UserService")
	if diff := cmp.Diff([]string{"users/users.proto"}, answer.GetRemovedFiles()); diff != "" {
		t.Error(diff)
	}
	if aside := lookup(t, r, "n", "users.UserService").GetService().GetSetAside(); aside != "" {
		t.Errorf("it is still kept aside: %s", aside)
	}
}

// TestAsideReturns is the end of the program's own service: what was registered counts again.
func TestAsideReturns(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	poisoned(t, r)
	if err := r.AddService("n", built(t, usersFile()).Services().Get(0)); err != nil {
		t.Fatal(err)
	}
	r.RemoveService("n", "users.UserService")
	if err := r.ValidateServiceMethod(t.Context(), "n", "users.UserService", "Gone"); err != nil {
		t.Error(err)
	}
}

// TestUnregister forgets a service and no more than it needs alone, over a restart too.
func TestUnregister(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	db := openDB(t, path)
	r := newRegistry(t, registry.WithStore(db))
	registerService(t, r, "n", usersFile())
	onlyItsOwn := protoFile("orders", "types", typed("Line", "users.User"), imports("users/users.proto"))
	registerProto(t, r, "n", onlyItsOwn)
	registerService(t, r, "n", protoFile("orders", "orders", imports("orders/types.proto", "users/users.proto"),
		typed("Order", "orders.Line"), service("OrderService", "orders.Order", "Get")))
	before := revision(t, r)

	answer := unregister(t, r, "OrderService")
	if diff := cmp.Diff([]string{"orders/orders.proto", "orders/types.proto"}, answer.GetRemovedFiles()); diff != "" {
		t.Error(diff)
	}
	if answer.GetServiceId() != "n/orders.OrderService" || answer.GetRevision() <= before {
		t.Errorf("answer = %v, revision before it %d", answer, before)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	again := newRegistry(t, registry.WithStore(openDB(t, path)))
	for name, r := range map[string]*registry.Registry{"now": r, "after a restart": again} {
		t.Run(name, func(t *testing.T) {
			checkError(t, r.ValidateServiceMethod(t.Context(), "n", "OrderService", "Get"), connect.CodeNotFound, nil, "OrderService")
			if err := r.ValidateServiceMethod(t.Context(), "n", "UserService", "GetUser"); err != nil {
				t.Error(err)
			}
		})
	}
	registerService(t, again, "n", protoFile("orders", "orders", message("Order"), service("OrderService", "orders.Order", "Get")))
}

func TestUnregisterKeepsWhatIsNeeded(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	registerService(t, r, "n", usersFile())
	registerService(t, r, "n", protoFile("orders", "orders", imports("users/users.proto"),
		typed("Order", "users.User"), service("OrderService", "orders.Order", "Get")))
	if removed := unregister(t, r, "users.UserService").GetRemovedFiles(); len(removed) > 0 {
		t.Errorf("files that OrderService needs are gone: %v", removed)
	}
	if err := r.ValidateInput(t.Context(), "n", "OrderService", "Get", "orders.Order"); err != nil {
		t.Error(err)
	}
	if left := unregister(t, r, "orders.OrderService").GetRemovedFiles(); len(left) != 2 {
		t.Errorf("removed = %v, not the file that was kept for it too", left)
	}
}

func TestUnregisterRefuses(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	if err := r.AddService("n", built(t, usersFile()).Services().Get(0)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		namespace, service, text string
		code                     connect.Code
	}{
		{"n", "users.UserService", "served by the collector itself", connect.CodeNotFound},
		{"n", "Nobody", "no service", connect.CodeNotFound},
		{"m", "UserService", "nothing is registered", connect.CodeNotFound},
		{"", "", "namespace", connect.CodeInvalidArgument},
	} {
		_, err := r.UnregisterService(t.Context(), &collector.UnregisterServiceRequest{Namespace: c.namespace, ServiceName: c.service})
		checkError(t, err, c.code, nil, c.text)
	}
}

func unregister(t *testing.T, r *registry.Registry, service string) *collector.UnregisterServiceResponse {
	t.Helper()
	answer, err := r.UnregisterService(t.Context(), &collector.UnregisterServiceRequest{Namespace: "n", ServiceName: service})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}
