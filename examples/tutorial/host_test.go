package tutorial_test

import (
	"context"
	"log"
	"log/slog"
	"net"
	"net/http/httptest"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/examples/shop"
	"github.com/collectiverpc/collective/gen/shop/v1/shopv1connect"
)

// host is a collector on a free port of this machine.
type host struct {
	*dispatcher.Dispatcher
	address string
	server  *httptest.Server
}

// start ends the program on an error, as an example may.
func start(id string, namespaces ...string) host {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	address := listener.Addr().String()
	d, err := dispatcher.New(id, address, namespaces, dispatcher.WithLogger(slog.New(slog.DiscardHandler)))
	must(err)
	server := &httptest.Server{Listener: listener, Config: d.Server(d.Handler(), nil)}
	server.Start()
	return host{d, address, server}
}

func (h host) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	must(h.Shutdown(ctx))
	h.server.Close()
}

// startPair is where most examples begin: b serves the shop's users and orders, a has nothing and is connected to b.
func startPair() (a, b host) {
	a, b = start("a", "users", "orders"), start("b", "users", "orders")
	must(b.Register("users", func(s *connect.Server) {
		shopv1connect.RegisterUserServiceHandler(s, shop.NewUsers())
	}))
	must(b.Register("orders", func(s *connect.Server) {
		shopv1connect.RegisterOrderServiceHandler(s, shop.NewOrders())
	}))
	_, err := a.ConnectTo(context.Background(), b.address, nil)
	must(err)
	return a, b
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
