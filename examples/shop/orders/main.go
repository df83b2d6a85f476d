// Command orders hosts the shop's order service on a collector of its own, and joins others:
//
//	go run ./examples/shop/orders -join 127.0.0.1:50051
package main

import (
	"context"
	"flag"
	"log"
	"os/signal"
	"syscall"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/examples/shop"
	"github.com/collectiverpc/collective/gen/shop/v1/shopv1connect"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:50052", "host:port to listen on")
	join := flag.String("join", "", "host:port of a collector to connect to")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *listen, *join); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, listen, join string) error {
	d, err := dispatcher.New("orders", listen, []string{"shop"})
	if err != nil {
		return err
	}
	err = d.Register("shop", func(s *connect.Server) {
		shopv1connect.RegisterOrderServiceHandler(s, shop.NewOrders())
	})
	if err != nil {
		return err
	}
	if join != "" {
		if _, err := d.ConnectTo(ctx, join, nil); err != nil {
			return err
		}
	}
	return d.ListenAndServe(ctx, listen, nil, 5*time.Second)
}
