// Command host runs two collectors in one process: `a`, which hosts nothing, and `b`, which hosts the test service typed,
// an untyped greeter and, by its descriptor alone, a service whose messages are extended; a is linked to b. It prints the
// addresses of a and of b on one line when a knows what b serves, and runs until its standard input ends. With an argument
// it runs a alone, with a registry in that file; with two, one collector with its connections in that file, beside a
// collector of the seed's contract at that address.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/internal/meshtest"
	"github.com/collectiverpc/collective/internal/schematest"
	"github.com/collectiverpc/collective/registry"
	"github.com/collectiverpc/collective/store"
)

var namespaces = []string{"test"}

func main() {
	serveAll := run
	switch len(os.Args) {
	case 2:
		serveAll = func(ctx context.Context) error { return runKept(ctx, os.Args[1]) }
	case 3:
		serveAll = func(ctx context.Context) error { return runBesideSeed(ctx, os.Args[1], os.Args[2]) }
	}
	if err := serveAll(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "host:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	a, err := meshtest.Start("a", namespaces, nil)
	if err != nil {
		return err
	}
	b, err := meshtest.Start("b", namespaces, nil)
	if err != nil {
		return err
	}
	if err := host(b.Dispatcher); err != nil {
		return err
	}
	if err := meshtest.Join(ctx, a.Dispatcher, b.Address, "test", "/Greeter/Greet"); err != nil {
		return err
	}
	fmt.Println(a.Address, b.Address)
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// runKept runs a collector whose registry is in a database, and in which everybody may register.
func runKept(ctx context.Context, path string) error {
	db, err := store.Open(path)
	if err != nil {
		return err
	}
	defer db.Close()
	schemas, err := registry.New(ctx, registry.WithStore(db))
	if err != nil {
		return err
	}
	a, err := meshtest.Start("a", namespaces, nil, dispatcher.WithRegistry(schemas), meshtest.Permissive())
	if err != nil {
		return err
	}
	fmt.Println(a.Address)
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func host(d *dispatcher.Dispatcher) error {
	notes, err := notesService()
	if err != nil {
		return err
	}
	return errors.Join(
		d.RegisterDynamic("test", notes, echoNote),
		d.Register("test", func(s *connect.Server) { testingv1connect.RegisterEchoServiceHandler(s, meshtest.EchoService("b")) }),
		d.RegisterService("test", "Greeter", "Greet", func(_ context.Context, input any) (any, error) {
			return fmt.Sprintf("hello %v from b", input), nil
		}),
	)
}

// notesService is case.ext.v1.Notes, which nobody generated code for.
func notesService() (protoreflect.ServiceDescriptor, error) {
	texts, err := schematest.Texts("extensions")
	if err != nil {
		return nil, err
	}
	files, err := schematest.Files(context.Background(), texts, "notes.proto")
	if err != nil {
		return nil, err
	}
	built, err := protodesc.NewFiles(&descriptorpb.FileDescriptorSet{File: files})
	if err != nil {
		return nil, err
	}
	file, err := built.FindFileByPath("notes.proto")
	if err != nil {
		return nil, err
	}
	return file.Services().ByName("Notes"), nil
}

// echoNote answers one note as it came.
func echoNote(_ context.Context, spec connect.Spec, stream connect.ServerStream) error {
	method, _ := spec.Schema.(protoreflect.MethodDescriptor)
	note := dynamicpb.NewMessage(method.Input())
	if err := stream.Receive(note); err != nil {
		return err
	}
	return stream.Send(note)
}
