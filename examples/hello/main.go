// Command hello is the smallest collector: it hosts one typed service, on one port, for every client of the mesh.
package main

import (
	"context"
	"log"
	"os/signal"
	"syscall"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/examples/shop"
	"github.com/collectiverpc/collective/gen/shop/v1/shopv1connect"
	"github.com/collectiverpc/collective/web"
)

const address = "127.0.0.1:50051"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, address); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, address string) error {
	d, err := dispatcher.New("hello", address, []string{"users"}, dispatcher.WithConsole(web.Config{}))
	if err != nil {
		return err
	}
	err = d.Register("users", func(s *connect.Server) {
		shopv1connect.RegisterUserServiceHandler(s, shop.NewUsers())
	})
	if err != nil {
		return err
	}
	return d.ListenAndServe(ctx, address, nil, 5*time.Second)
}
