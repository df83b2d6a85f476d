package main

import (
	"context"
	"crypto/tls"
	"log/slog"
	"sync/atomic"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher"
	shopv1 "github.com/collectiverpc/collective/gen/shop/v1"
	"github.com/collectiverpc/collective/gen/shop/v1/shopv1connect"
)

// stranger is a collector of the attacker's, in this process, under an id of its choice.
type stranger struct {
	*dispatcher.Dispatcher
	taken taker
}

// taker answers orders, and counts them and the credentials that came with them.
type taker struct {
	shopv1connect.UnimplementedOrderServiceHandler
	calls, headers atomic.Int64
}

// CreateOrder takes a call that was meant for another.
func (k *taker) CreateOrder(ctx context.Context, _ *shopv1.CreateOrderRequest) (*shopv1.CreateOrderResponse, error) {
	k.calls.Add(1)
	if info, ok := connect.CallInfoForServerContext(ctx); ok && info.RequestHeader().Get("Authorization") != "" {
		k.headers.Add(1)
	}
	return &shopv1.CreateOrderResponse{}, nil
}

// newStranger makes one that serves orders; config is how it dials, nil for plaintext.
func newStranger(id string, config *tls.Config, opts ...dispatcher.Option) (*stranger, error) {
	opts = append(opts, dispatcher.WithLogger(slog.New(slog.DiscardHandler)))
	if config != nil {
		opts = append(opts, dispatcher.WithTLS(config))
	}
	d, err := dispatcher.New(id, "127.0.0.1:1", []string{"orders"}, opts...)
	if err != nil {
		return nil, err
	}
	s := &stranger{Dispatcher: d}
	return s, d.Register("orders", func(server *connect.Server) { shopv1connect.RegisterOrderServiceHandler(server, &s.taken) })
}

// link tries to link with a target, for a moment.
func (s *stranger) link(ctx context.Context, t *Target) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	_, err := s.ConnectTo(ctx, t.Address, []string{"orders"})
	return err
}

// leave says goodbye, if there is anybody to say it to.
func (s *stranger) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = s.Shutdown(ctx)
}

// disconnect ends its connections as an operator does who means it: the other end does not dial again.
func (s *stranger) disconnect(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	for _, c := range s.Connections().ListConnections() {
		_ = s.Connections().Disconnect(ctx, c.GetId(), "over", false)
	}
}
