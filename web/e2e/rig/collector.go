package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/web"
)

// rig is one collector of the tests.
type rig struct {
	*dispatcher.Dispatcher
	address string
}

func newCollector(ctx context.Context, id, listen string, mode web.Mode) (*rig, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", listen)
	if err != nil {
		return nil, err
	}
	address := listener.Addr().String()
	quiet := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	d, err := dispatcher.New(id, address, []string{namespace}, dispatcher.WithLogger(quiet), dispatcher.WithConsole(web.Config{Mode: mode}))
	if err != nil {
		return nil, err
	}
	if err := d.Register(namespace, func(s *connect.Server) { testingv1connect.RegisterKitchenServiceHandler(s, kitchen{}) }); err != nil {
		return nil, err
	}
	ready := make(chan struct{})
	go func() {
		if err := d.ServeListener(ctx, listener, dispatcher.Serving{Ready: func() { close(ready) }}); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	<-ready
	return &rig{d, address}, nil
}

// surround gives k so many neighbours. k alone has the service with hundreds of fields and the one with extensions.
func (k *rig) surround(ctx context.Context, peers int) error {
	if err := errors.Join(registerWide(k.Dispatcher, asItIs), registerNotes(ctx, k.Dispatcher)); err != nil {
		return err
	}
	for i := range peers {
		peer, err := newCollector(ctx, peerName(i), "127.0.0.1:0", web.Full)
		if err != nil {
			return err
		}
		if _, err := k.ConnectTo(ctx, peer.address, nil); err != nil {
			return err
		}
	}
	return nil
}
