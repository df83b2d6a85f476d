package main

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"google.golang.org/grpc/credentials/insecure"

	benchv1 "github.com/collectiverpc/collective/bench/gen/bench/v1"
	"github.com/collectiverpc/collective/bench/gen/bench/v1/benchv1connect"
	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/internal/meshtest"
)

// The mesh as its users have it: two collectors, A asked and B serving.
var (
	meshTransport      = contender{"mesh", startMesh}               // a generated client in A's process
	meshConnectIngress = contender{"mesh", startMeshConnect}        // a Connect client of A's port
	meshGRPCIngress    = contender{"mesh", startMeshGRPC}           // a grpc-go client of A's port
	meshDispatchLocal  = contender{"mesh", startMeshDispatchLocal}  // the seed's Dispatch, A has the method
	meshDispatchRemote = contender{"mesh", startMeshDispatchRemote} // the seed's Dispatch, A forwards
)

// collectors are A and B, connected. A has the address of its port.
type collectors struct {
	a, b    *dispatcher.Dispatcher
	address string
}

func startMesh(ctx context.Context, l load) (*bed, error) {
	return withMesh(ctx, l, func(b *bed, c collectors) error {
		b.op = connectOperation(c.a.Transport(namespace), l)
		return nil
	})
}

func startMeshConnect(ctx context.Context, l load) (*bed, error) {
	return withMesh(ctx, l, func(b *bed, c collectors) error {
		b.op = connectOperation(connecthttp.NewTransport(b.h2cClient(), "http://"+c.address), l)
		return nil
	})
}

func startMeshGRPC(ctx context.Context, l load) (*bed, error) {
	return withMesh(ctx, l, func(b *bed, c collectors) error {
		conn, err := b.dialGRPC(c.address, insecure.NewCredentials())
		if err != nil {
			return err
		}
		b.op = grpcOperation(benchv1.NewBenchServiceClient(conn), l)
		return nil
	})
}

func startMeshDispatchLocal(ctx context.Context, l load) (*bed, error) {
	return withMesh(ctx, l, func(b *bed, c collectors) error { return b.dispatchThrough(ctx, c, c.a, l) })
}

func startMeshDispatchRemote(ctx context.Context, l load) (*bed, error) {
	return withMesh(ctx, l, func(b *bed, c collectors) error { return b.dispatchThrough(ctx, c, c.b, l) })
}

// dispatchThrough has the executor serve the seed's untyped handler and asks A for it by Dispatch.
func (b *bed) dispatchThrough(ctx context.Context, c collectors, executor *dispatcher.Dispatcher, l load) error {
	echo := func(_ context.Context, input any) (any, error) { return input, nil }
	if err := executor.RegisterService(namespace, echoService, echoMethod, echo); err != nil {
		return err
	}
	conn, err := b.dialGRPC(c.address, insecure.NewCredentials())
	if err != nil {
		return err
	}
	b.op = dispatchOperation(conn, l.size, executor.ID())
	if executor == c.a {
		return nil
	}
	return meshtest.AwaitServed(ctx, c.a, namespace, "/"+echoService+"/"+echoMethod)
}

// withMesh starts both collectors, connects A to B, and lets aim say what the callers do.
func withMesh(ctx context.Context, l load, aim func(*bed, collectors) error) (*bed, error) {
	b := &bed{}
	c, err := b.startCollectors(ctx, l.tls)
	if err == nil {
		err = aim(b, c)
	}
	if err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

func (b *bed) startCollectors(ctx context.Context, secure bool, options ...dispatcher.Option) (c collectors, err error) {
	var ends tlsPair
	if secure {
		if ends, err = newTLSPair(); err != nil {
			return c, err
		}
	}
	var toB string
	if c.b, toB, err = b.startCollector("b", ends, options...); err != nil {
		return c, err
	}
	if err := c.b.Register(namespace, registerEcho); err != nil {
		return c, err
	}
	if c.a, c.address, err = b.startCollector("a", ends, options...); err != nil {
		return c, err
	}
	return c, meshtest.Join(ctx, c.a, toB, namespace, benchv1connect.BenchServiceEchoProcedure)
}

func registerEcho(s *connect.Server) { benchv1connect.RegisterBenchServiceHandler(s, connectEcho{}) }

// startCollector serves a collector on a loopback port, under TLS if ends has a certificate.
func (b *bed) startCollector(id string, ends tlsPair, more ...dispatcher.Option) (*dispatcher.Dispatcher, string, error) {
	listener, err := listen()
	if err != nil {
		return nil, "", err
	}
	address := listener.Addr().String()
	options := append([]dispatcher.Option{dispatcher.WithLogger(slog.New(slog.DiscardHandler))}, more...)
	if ends.client != nil {
		options = append(options, dispatcher.WithTLS(ends.client))
	}
	d, err := dispatcher.New(id, address, []string{namespace}, options...)
	if err != nil {
		return nil, "", errors.Join(err, listener.Close())
	}
	b.serveOn(secured(listener, ends.server), d.Server(d.Handler(), ends.server))
	b.onClose(func() error { return shutdown(d) })
	return d, address, nil
}

func secured(listener net.Listener, config *tls.Config) net.Listener {
	if config == nil {
		return listener
	}
	return tls.NewListener(listener, config)
}

func shutdown(d *dispatcher.Dispatcher) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return d.Shutdown(ctx)
}
