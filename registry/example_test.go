package registry_test

import (
	"context"
	"fmt"
	"log"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectinprocess"
	"google.golang.org/protobuf/reflect/protodesc"

	collector "github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	"github.com/collectiverpc/collective/registry"
)

// A dispatcher adds what it serves by itself; without one, it is one call.
func ExampleRegistry_AddService() {
	ctx := context.Background()
	schemas, err := registry.New(ctx)
	if err != nil {
		log.Fatal(err)
	}
	service := collector.File_collector_dispatcher_proto.Services().ByName("CollectiveDispatcher")
	if err := schemas.AddService("staging", service); err != nil {
		log.Fatal(err)
	}

	fmt.Println(schemas.ValidateServiceMethod(ctx, "staging", "CollectiveDispatcher", "Serve"))
	fmt.Println(schemas.ValidateServiceMethod(ctx, "staging", "collector.CollectiveDispatcher", "Forward"))
	fmt.Println(schemas.ValidateInput(ctx, "staging", "CollectiveDispatcher", "Serve", "collector.ConnectRequest"))
	// Output:
	// <nil>
	// not_found: service collector.CollectiveDispatcher in namespace "staging" has no method "Forward": it has Serve, Connect, Dispatch
	// invalid_argument: collector.CollectiveDispatcher.Serve takes collector.ServeRequest, not "collector.ConnectRequest"
}

// What requests register can change compatibly only.
func ExampleRegistry_RegisterService() {
	ctx := context.Background()
	schemas, err := registry.New(ctx) // registry.WithStore keeps it over restarts
	if err != nil {
		log.Fatal(err)
	}
	file := usersFile()
	answer, err := schemas.RegisterService(ctx, &collector.RegisterServiceRequest{
		Namespace: "users", ServiceDescriptor: file.GetService()[0], FileDescriptor: file,
	})
	fmt.Println(answer.GetServiceId(), answer.GetRegisteredMethods(), err)

	file.GetService()[0].Method = file.GetService()[0].GetMethod()[:1]
	_, err = schemas.RegisterService(ctx, &collector.RegisterServiceRequest{
		Namespace: "users", ServiceDescriptor: file.GetService()[0], FileDescriptor: file,
	})
	fmt.Println(err)
	// Output:
	// users/users.UserService [GetUser PutUser] <nil>
	// failed_precondition: service "UserService" in namespace "users" refused: breaking change: users.UserService.PutUser is gone (RPC_NO_DELETE)
}

// One process holds the schemas, others ask it.
func ExampleNewGRPCRegistryValidator() {
	ctx := context.Background()
	schemas, err := registry.New(ctx)
	if err != nil {
		log.Fatal(err)
	}
	file, err := protodesc.NewFile(usersFile(), nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := schemas.AddService("users", file.Services().Get(0)); err != nil {
		log.Fatal(err)
	}
	server := connect.NewServer()
	schemas.RegisterHandler(server)

	transport := connectinprocess.New(server) // elsewhere: connecthttp.NewTransport(httpClient, url, connecthttp.WithGRPC())
	client := collectorconnect.NewCollectorRegistryClient(connect.NewClient(transport))
	validator := registry.NewGRPCRegistryValidator(client)
	fmt.Println(validator.ValidateServiceMethod(ctx, "users", "UserService", "GetUser"))
	fmt.Println(validator.ValidateServiceMethod(ctx, "users", "UserService", "DropAll"))
	// Output:
	// <nil>
	// not_found: service users.UserService in namespace "users" has no method "DropAll": it has GetUser, PutUser
}
