package link

import (
	"context"
	"fmt"
	"io"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
)

// The second carrier: an RPC whose messages are chunks of the stream, for ways on which something refuses the upgrade
// of the first but lets HTTP/2 through. It costs more CPU and nothing else.

// DialCarry opens a stream by the Carry RPC at baseURL ("https://host:port"), for [Client]. The HTTP client has to speak
// HTTP/2 there. The answer is bounded by ctx and two seconds; a server without that RPC is [ErrUpgradeRefused].
func DialCarry(ctx context.Context, client connecthttp.HTTPClient, baseURL string) (io.ReadWriteCloser, error) {
	transport := connecthttp.NewTransport(client, baseURL,
		connecthttp.WithCompressors(), connecthttp.WithReadMaxBytes(2*carryChunk), connecthttp.WithSendMaxBytes(2*carryChunk))
	own, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })
	timeout := time.AfterFunc(upgradeTimeout, func() { cancel(errNoAnswer) })
	stream, err := meshv1connect.NewLinkServiceClient(connect.NewClient(transport)).Carry(own)
	if err == nil {
		err = openCarry(stream)
	}
	stop()
	timeout.Stop()
	if cause := context.Cause(own); cause != nil {
		return nil, fmt.Errorf("link: no answer to Carry: %w", cause)
	}
	hangUp := func() { cancel(io.ErrClosedPipe) }
	if err != nil {
		hangUp()
		return nil, explainCarry(err)
	}
	return carryClient(stream, hangUp), nil
}

var errNoAnswer = fmt.Errorf("no answer within %v", upgradeTimeout)

// openCarry exchanges the empty messages that open a stream.
func openCarry(stream meshv1connect.LinkServiceCarryClientStream) error {
	if err := stream.Send(&meshv1.CarryRequest{}); err != nil {
		return err
	}
	_, err := stream.Receive()
	return err
}

func explainCarry(err error) error {
	if connect.CodeOf(err) == connect.CodeUnimplemented {
		return fmt.Errorf("%w: %w", ErrUpgradeRefused, err)
	}
	return fmt.Errorf("link: Carry: %w", err)
}

func carryClient(stream meshv1connect.LinkServiceCarryClientStream, hangUp func()) io.ReadWriteCloser {
	c := newCarried()
	go func() {
		c.receive(func() ([]byte, error) {
			res, err := stream.Receive()
			return res.GetData(), err
		})
		hangUp() // the other end is gone, or has seen that this one is
	}()
	go func() {
		c.send(func(data []byte) error { return stream.Send(&meshv1.CarryRequest{Data: data}) })
		_ = stream.CloseSend()
		time.AfterFunc(farewell, hangUp)
	}()
	return c
}

// RegisterCarrier serves the Carry RPC. Accept takes over the stream of each call, for [Server]; an error refuses it and
// is what the other end gets. The stream lives until either end closes it, whenever accept returns, so nothing on its
// way may end long calls. What identifies the caller is in ctx, as in every handler.
func RegisterCarrier(server *connect.Server, accept func(ctx context.Context, stream io.ReadWriteCloser) error) {
	meshv1connect.RegisterLinkServiceHandler(server, carrier{accept})
}

type carrier struct {
	accept func(ctx context.Context, stream io.ReadWriteCloser) error
}

func (s carrier) Carry(ctx context.Context, stream meshv1connect.LinkServiceCarryServerStream) error {
	if _, err := stream.Receive(); err != nil {
		return err
	}
	c := newCarried()
	defer c.Close()
	go c.receive(func() ([]byte, error) { // ends when this handler has returned, at the latest
		req, err := stream.Receive()
		return req.GetData(), err
	})
	if err := stream.Send(&meshv1.CarryResponse{}); err != nil {
		return err
	}
	accepted := make(chan error, 1)
	go func() {
		err := s.accept(ctx, c)
		if err != nil {
			c.Close()
		}
		accepted <- err
	}()
	c.send(func(data []byte) error { return stream.Send(&meshv1.CarryResponse{Data: data}) })
	return <-accepted
}
