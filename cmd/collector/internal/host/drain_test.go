package host_test

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/collectiverpc/collective/cmd/collector/internal/host"
	shopv1 "github.com/collectiverpc/collective/gen/shop/v1"
	"github.com/collectiverpc/collective/gen/shop/v1/shopv1connect"
)

// start runs a collector and returns where it is, and how to stop it.
func start(t *testing.T, config host.Config) (host.Ready, func() error) {
	t.Helper()
	config.Listen, config.Store, config.Logger = "127.0.0.1:0", host.InMemory, slog.New(slog.DiscardHandler)
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(stop)
	ready, ended := make(chan host.Ready, 1), make(chan error, 1)
	go func() { ended <- host.Run(ctx, config, func(r host.Ready) { ready <- r }) }()
	select {
	case r := <-ready:
		return r, func() error { stop(); return <-ended }
	case err := <-ended:
		t.Fatal(err)
		return host.Ready{}, nil
	}
}

// A stream to a peer that outlives the grace is cut off, and the end of the collector says so.
func TestCallsThatOutliveTheGrace(t *testing.T) {
	t.Parallel()
	orders, stopOrders := start(t, host.Config{ID: "orders", Examples: []string{"orders"}, Grace: time.Minute})
	entrance, stopEntrance := start(t, host.Config{ID: "entrance", Namespaces: []string{"orders"}, Join: []string{orders.Address}, Grace: time.Millisecond})
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	client := shopv1connect.NewOrderServiceClient(connect.NewClient(connecthttp.NewTransport(&http.Client{Transport: transport}, entrance.URL)))
	for { // until the join has come about
		if _, err := client.CreateOrder(t.Context(), &shopv1.CreateOrderRequest{Sku: "tea", Qty: 1}); err == nil {
			break
		}
	}
	stream, err := client.WatchOrders(t.Context(), &shopv1.WatchOrdersRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Receive(); err != nil {
		t.Fatal(err)
	}
	if err := stopEntrance(); err == nil || !strings.Contains(err.Error(), "the grace of 1ms") {
		t.Errorf("the entrance ended with %v", err)
	}
	if _, err := stream.Receive(); err == nil {
		t.Error("the stream goes on")
	}
	_ = stream.Close()
	if err := stopOrders(); err != nil {
		t.Error(err)
	}
}
