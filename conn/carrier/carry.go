package carrier

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
)

// The second carrier: an RPC whose messages are chunks of the stream, for ways on which something refuses the upgrade
// of the first but lets HTTP/2 through. It costs more CPU and nothing else.

// DialCarry opens a stream by the Carry RPC at baseURL ("https://host:port"), for link.Client. The HTTP client has to speak
// HTTP/2 there. The answer is bounded by ctx and two seconds. A server without that RPC is [ErrRefused]; a
// remote connect error is the word of a collector that has it and does not want the link.
func DialCarry(ctx context.Context, client connecthttp.HTTPClient, baseURL string) (io.ReadWriteCloser, error) {
	transport := connecthttp.NewTransport(client, baseURL, carryOptions()...)
	own, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })
	timeout := time.AfterFunc(answerTimeout, func() { cancel(errNoAnswer) })
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
	return clientStream(stream, hangUp), nil
}

var errNoAnswer = fmt.Errorf("no answer within %v", answerTimeout)

// openCarry exchanges the empty messages that open a stream. Who is refused may hear of it by a Send that fails; why is
// Receive's to tell.
func openCarry(stream meshv1connect.LinkServiceCarryClientStream) error {
	sent := stream.Send(&meshv1.CarryRequest{})
	if _, err := stream.Receive(); err != nil {
		return err
	}
	return sent
}

// explainCarry gives the failure of the RPC the errors that callers of either carrier look for.
func explainCarry(err error) error {
	if connect.CodeOf(err) == connect.CodeUnimplemented {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return cmp.Or(CertificateRefusal(err), fmt.Errorf("link: Carry: %w", err))
}

// clientStream runs the two goroutines of the calling end. Each ends when the stream is closed or the RPC is over; hangUp
// may be called by both.
func clientStream(stream meshv1connect.LinkServiceCarryClientStream, hangUp func()) io.ReadWriteCloser {
	c := newStream()
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

// farewell is how long the other end may take to hang up, after this one has closed the stream, before its call is cut off.
const farewell = time.Second

// CarryPath is where a collector serves the Carry RPC.
const CarryPath = meshv1connect.LinkServiceCarryProcedure

// Handler serves the Carry RPC at [CarryPath]. Each call is first put before admit; an error refuses it and is what
// the other end gets. Otherwise accept gets the stream, for link.Server, and may block. The stream lives until either end
// closes it, whenever accept returns, so nothing on its way may end long calls. What identifies the caller is in ctx, as
// in every handler.
func Handler(admit func(ctx context.Context) (accept func(stream io.ReadWriteCloser), err error)) http.Handler {
	server := connect.NewServer()
	meshv1connect.RegisterLinkServiceHandler(server, service{admit})
	mux := http.NewServeMux()
	connecthttp.Mount(mux, server, carryOptions()...)
	return mux
}

// carryOptions hold on both ends. The bytes of a link are not compressed.
func carryOptions() []connecthttp.Option {
	return []connecthttp.Option{
		connecthttp.WithCompressors(), connecthttp.WithReadMaxBytes(2 * chunkSize), connecthttp.WithSendMaxBytes(2 * chunkSize),
	}
}

// service is the serving end.
type service struct {
	admit func(ctx context.Context) (accept func(stream io.ReadWriteCloser), err error)
}

// Carry does not wait for the empty first request: reading it is the stream's, and so is the patience with it.
func (s service) Carry(ctx context.Context, stream meshv1connect.LinkServiceCarryServerStream) error {
	accept, err := s.admit(ctx)
	if err != nil {
		return err
	}
	c := newStream()
	var accepting sync.WaitGroup
	defer accepting.Wait()
	defer c.Close()
	go c.receive(func() ([]byte, error) { // ends when this handler has returned, at the latest
		req, err := stream.Receive()
		return req.GetData(), err
	})
	accepting.Go(func() { accept(c) })
	if err := stream.Send(&meshv1.CarryResponse{}); err != nil {
		return err
	}
	c.send(func(data []byte) error { return stream.Send(&meshv1.CarryResponse{Data: data}) })
	return nil
}
