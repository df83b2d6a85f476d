package dispatcher

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher/internal/header"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
	"github.com/collectiverpc/collective/internal/status"
)

// forwardingKey is how relayToPeers finds what was decided, behind the server interceptors.
type forwardingKey struct{}

// forwarding is a call of the native path on its way to a peer.
type forwarding struct {
	decision routing.Decision
	info     *connect.CallInfo
	call     link.Call
}

// bodyKey is how relayToPeers finds the means to stop reading a request body.
type bodyKey struct{}

// relayToPeers is the innermost [connect.ServerFunc] of a forwarded call. Messages go through as the bytes they came
// as, one at a time and never buffered: a slow reader holds up the writer on the other end.
func (d *Dispatcher) relayToPeers(ctx context.Context, spec connect.Spec, stream connect.ServerStream) error {
	f, ok := ctx.Value(forwardingKey{}).(*forwarding)
	if !ok {
		return connect.NewError(connect.CodeInternal, "a server interceptor dropped the context of the call")
	}
	if spec.StreamType&connect.StreamTypeClient != 0 {
		return d.relayStream(ctx, f, stream)
	}
	return d.relaySingle(ctx, f, stream)
}

// relaySingle forwards a call with one request message.
func (d *Dispatcher) relaySingle(ctx context.Context, f *forwarding, stream connect.ServerStream) error {
	raw := new(link.Raw)
	if err := stream.Receive(raw); err != nil {
		return err
	}
	ctx, info := connect.NewClientContext(ctx)
	out, err := d.newOutbound(ctx, info, f.decision, f.call, f.info.RequestHeader())
	if err != nil {
		return status.Reauthor(err)
	}
	defer out.recycle()
	defer out.Close()
	if err := out.Send(raw); err != nil && !errors.Is(err, io.EOF) {
		return status.Reauthor(err)
	}
	if err := out.CloseSend(); err != nil && !errors.Is(err, io.EOF) {
		return status.Reauthor(err)
	}
	return f.relayAnswers(out, info, stream)
}

// relayStream forwards a call with any number of request messages: they go up on a goroutine of their own while the
// answers come down.
func (d *Dispatcher) relayStream(ctx context.Context, f *forwarding, stream connect.ServerStream) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ctx, info := connect.NewClientContext(ctx)
	out, err := d.newOutbound(ctx, info, f.decision, f.call, f.info.RequestHeader())
	if err != nil {
		return status.Reauthor(err)
	}
	defer out.Close()
	up := make(chan error, 1)
	go func() {
		err := pump(out, stream)
		up <- err // before the answers end for it, so that they are not taken for the reason
		if err != nil {
			cancel() // the client is gone, or sent what cannot be read
		}
	}()
	err = f.relayAnswers(out, info, stream)
	if unread := settle(ctx, up); unread != nil && err != nil {
		return unread
	}
	return err
}

// settle waits until the request is not read any more, as it must not be once the handler has returned. It returns why
// reading failed before the call was over.
func settle(ctx context.Context, up <-chan error) error {
	select {
	case err := <-up:
		return err
	default:
	}
	stopReading(ctx)
	<-up
	return nil
}

// pump carries request messages to the peer until the client ends them.
func pump(out *outbound, stream connect.ServerStream) (err error) {
	defer out.dispatcher.recovery.Rescue(out.ctx, out.call.Spec.Procedure, &err) // nobody else would, on this goroutine
	raw := new(link.Raw)
	for {
		raw.Data = raw.Data[:0] // an empty message leaves it as it is
		err := stream.Receive(raw)
		if errors.Is(err, io.EOF) {
			_ = out.CloseSend() // Receive tells why if it fails
			return nil
		}
		if err != nil {
			return err
		}
		if out.Send(raw) != nil {
			return nil // the call is over; Receive tells how
		}
	}
}

// stopReading ends a Receive that waits for a client which has nothing to say any more.
func stopReading(ctx context.Context) {
	switch body := ctx.Value(bodyKey{}).(type) {
	case *http.ResponseController:
		_ = body.SetReadDeadline(time.Unix(1, 0)) // if it cannot be set, the client's end of the request ends it
	case link.ReceiveStopper:
		body.StopReceiving()
	}
}

// relayAnswers carries the answer of a peer to the client: headers, messages, trailers and verdict.
func (f *forwarding) relayAnswers(out *outbound, info *connect.CallInfo, stream connect.ServerStream) (err error) {
	defer out.dispatcher.recovery.Rescue(out.ctx, out.call.Spec.Procedure, &err) // or the request would be read on
	single := f.call.Spec.StreamType&connect.StreamTypeServer == 0
	headers := !single && out.receiveHeaders()
	if headers { // the client may wait for them before it goes on
		f.relayHeaders(out, info)
		if err := stream.SendHeaders(); err != nil {
			return err
		}
	}
	raw := new(link.Raw)
	for {
		raw.Data = nil // each message is its receiver's
		err := out.Receive(raw)
		if !headers {
			headers = true
			f.relayHeaders(out, info)
		}
		if err != nil || single {
			header.CopyAnswer(f.info.ResponseTrailer(), info.ResponseTrailer())
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return status.Reauthor(err)
		}
		if err := stream.Send(raw); err != nil || single {
			return err
		}
	}
}

func (f *forwarding) relayHeaders(out *outbound, info *connect.CallInfo) {
	header.CopyAnswer(f.info.ResponseHeader(), info.ResponseHeader())
	out.route().Tag(f.info.ResponseHeader())
}
