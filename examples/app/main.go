// Command app is a collector in a module of its own, and a client of it; see [usage].
package main

import (
	"context"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/registry"
	"github.com/collectiverpc/collective/store"
	"github.com/collectiverpc/collective/web"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], serve, call); err != nil {
		log.Fatal(err)
	}
}

func serve(ctx context.Context, address, path string) error {
	file, err := store.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	schemas, err := registry.New(ctx, registry.WithStore(file))
	if err != nil {
		return err
	}
	d, err := dispatcher.New("app", address, []string{"users"},
		dispatcher.WithStore(file), // connections, and with the next line finished calls
		dispatcher.WithStoredHistory(10_000, 7*24*time.Hour),
		dispatcher.WithRegistry(schemas),            // what may be called
		dispatcher.WithServerInterceptors(numbered), // around every handler
		dispatcher.WithConsole(web.Config{}))        // for browsers on this machine
	if err != nil {
		return err
	}
	if err := d.Register("users", registerUsers); err != nil {
		return err
	}
	return d.ListenAndServe(ctx, address, nil, 5*time.Second)
}

func call(ctx context.Context, address, id string) error {
	client, err := dispatcher.Dial(ctx, address, []string{"users"})
	if err != nil {
		return err
	}
	defer client.Close()
	return printUser(ctx, connect.NewClient(client.Transport("users")), id)
}
