package main

import (
	"context"
	"crypto/tls"
	"errors"
	"net"

	"connectrpc.com/connect/v2"
	"golang.org/x/sync/errgroup"

	"github.com/collectiverpc/collective/bench/gen/bench/v1/benchv1connect"
	"github.com/collectiverpc/collective/conn/link"
)

// wireLink is conn/link alone: generated client, link transport, TCP, connect.Server. No routing and no HTTP upgrade;
// what the mesh contender costs beyond it is the price of both.
var wireLink = contender{"wire", startWire}

func startWire(ctx context.Context, l load) (*bed, error) {
	server := connect.NewServer()
	benchv1connect.RegisterBenchServiceHandler(server, connectEcho{})
	dialled, accepted, err := tcpPair(l.tls)
	if err != nil {
		return nil, err
	}
	b := &bed{}
	near, err := b.joinLinks(ctx, dialled, accepted, server.Call)
	if err != nil {
		return nil, errors.Join(err, b.close())
	}
	b.op = connectOperation(near.Transport(namespace), l)
	return b, nil
}

// joinLinks makes both ends at once, as each waits for the other's greeting, and answers the dialling one.
func (b *bed) joinLinks(ctx context.Context, dialled, accepted net.Conn, handler link.Handler) (*link.Link, error) {
	var near, far *link.Link
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		near, err = link.Client(ctx, dialled, link.Config{Hello: link.Hello{CollectorID: "a", SessionID: "1"}})
		return err
	})
	group.Go(func() (err error) {
		far, err = link.Server(ctx, accepted, link.Config{Hello: link.Hello{CollectorID: "b", SessionID: "2"}, Handler: handler})
		return err
	})
	err := group.Wait()
	for _, end := range []*link.Link{near, far} {
		if end != nil {
			b.onClose(func() error { return end.Close("the benchmark is over") })
		}
	}
	return near, err
}

// tcpPair answers the two ends of one loopback connection, under TLS 1.3 if secure.
func tcpPair(secure bool) (dialled, accepted net.Conn, err error) {
	listener, err := listen()
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, listener.Close()) }()
	dialled, err = net.Dial("tcp", listener.Addr().String()) // the kernel completes it before Accept
	if err != nil {
		return nil, nil, err
	}
	accepted, err = listener.Accept()
	if err != nil {
		return nil, nil, errors.Join(err, dialled.Close())
	}
	if !secure {
		return dialled, accepted, nil
	}
	ends, err := newTLSPair()
	if err != nil {
		return nil, nil, errors.Join(err, dialled.Close(), accepted.Close())
	}
	ends.client.ServerName = "127.0.0.1"
	return tls.Client(dialled, ends.client), tls.Server(accepted, ends.server), nil
}
