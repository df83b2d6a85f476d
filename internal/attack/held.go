package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect/v2"

	shopv1 "github.com/collectiverpc/collective/gen/shop/v1"
	"github.com/collectiverpc/collective/gen/shop/v1/shopv1connect"
)

// held is by how much a target grows while a linked peer begins messages that it never ends.
func held(s *Stage) ([]Figure, error) {
	a, err := s.serve("--id", "a", "--listen", "127.0.0.1:0", "--db", "memory", "--example", "orders")
	if err != nil {
		return nil, err
	}
	between, err := newWithholder(s, a.Address, endsMessage, nil)
	if err != nil {
		return nil, err
	}
	peer, err := newStranger("m", nil)
	if err != nil {
		return nil, err
	}
	defer peer.leave()
	peer.Unregister("orders", "shop.v1.OrderService")
	ctx, cancel := context.WithTimeout(s.ctx, 30*time.Second)
	defer cancel()
	if _, err := peer.ConnectTo(ctx, between.address, []string{"orders"}); err != nil {
		return nil, fmt.Errorf("linking: %w", err)
	}
	client := shopv1connect.NewOrderServiceClient(connect.NewClient(peer.Transport("orders")))
	if !s.until(10*time.Second, func() bool {
		_, err := client.CreateOrder(ctx, &shopv1.CreateOrderRequest{Sku: "tea", Qty: 1})
		return err == nil
	}) {
		return nil, fmt.Errorf("%w: the peer may not call", errNotRun)
	}
	between.withhold()
	before := a.memory("VmRSS")
	sku := strings.Repeat("x", 3<<20+900<<10)
	span := 15 * time.Second
	if s.Short {
		span = 5 * time.Second
	}
	attack, stop := context.WithTimeout(ctx, span)
	defer stop()
	var calls sync.WaitGroup
	var said sync.Once
	for range 64 {
		calls.Go(func() {
			_, err := client.CreateOrder(attack, &shopv1.CreateOrderRequest{Sku: sku, Qty: 1})
			said.Do(func() { fmt.Fprintf(s.out, "# the first call that was withheld ended with: %v\n", err) })
		})
	}
	calls.Wait()
	if log := a.log.String(); log != "" {
		fmt.Fprintf(s.out, "# the target said: %.300s\n", log)
	}
	figure := Figure{Name: "held_bytes", Value: float64(a.memory("VmHWM") - before), Unit: "bytes"}
	if strings.Contains(a.log.String(), "connection lost") {
		figure.Busy = "the link was lost before the attack was over"
	}
	return []Figure{figure}, nil
}
