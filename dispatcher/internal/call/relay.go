package call

import (
	"context"
	"errors"
	"io"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher/internal/header"
	"github.com/collectiverpc/collective/internal/status"
)

// relay carries a call to a peer and its answer back. Messages go through as the bytes they came as, one at a time and never
// buffered: a slow reader holds up the writer on the other end.
func (p *Peers) relay(ctx context.Context, r *Request, stream connect.ServerStream) error {
	if r.Spec.StreamType&connect.StreamTypeClient != 0 {
		return p.relayStream(ctx, r, stream)
	}
	return p.relaySingle(ctx, r, stream)
}

// relaySingle forwards a call with one request message.
func (p *Peers) relaySingle(ctx context.Context, r *Request, stream connect.ServerStream) error {
	raw := new(link.Raw)
	if err := stream.Receive(raw); err != nil {
		return err
	}
	ctx, info := connect.NewClientContext(ctx)
	out, err := p.open(ctx, info, r.Decision, r.call(), r.Info.RequestHeader())
	if err != nil {
		return status.Reauthor(err)
	}
	defer out.Recycle()
	defer out.Close()
	if err := out.Send(raw); err != nil && !errors.Is(err, io.EOF) {
		return status.Reauthor(err)
	}
	if err := out.CloseSend(); err != nil && !errors.Is(err, io.EOF) {
		return status.Reauthor(err)
	}
	return r.relayAnswers(out, info, stream)
}

// relayStream forwards a call with any number of request messages: they go up on a goroutine of their own while the
// answers come down.
func (p *Peers) relayStream(ctx context.Context, r *Request, stream connect.ServerStream) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ctx, info := connect.NewClientContext(ctx)
	out, err := p.open(ctx, info, r.Decision, r.call(), r.Info.RequestHeader())
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
	err = r.relayAnswers(out, info, stream)
	if unread := r.stopRequest(up); unread != nil && err != nil {
		return unread
	}
	return err
}

// stopRequest waits until the request is not read any more, as it must not be once the handler has returned. It returns why
// reading failed before the call was over.
func (r *Request) stopRequest(up <-chan error) error {
	select {
	case err := <-up:
		return err
	default:
	}
	if r.Stop != nil {
		r.Stop()
	}
	<-up
	return nil
}

// pump carries request messages to the peer until the client ends them.
func pump(out *RetryingCall, stream connect.ServerStream) (err error) {
	defer out.peers.Recovery.Rescue(out.ctx, out.call.Spec.Procedure, &err) // nobody else would, on this goroutine
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

// relayAnswers carries the answer of a peer to the client: headers, messages, trailers and verdict.
// It is the only goroutine that writes to the client. A panic, of an interceptor's stream for one, ends the call here.
func (r *Request) relayAnswers(out *RetryingCall, info *connect.CallInfo, stream connect.ServerStream) (err error) {
	defer out.peers.Recovery.Rescue(out.ctx, out.call.Spec.Procedure, &err) // or the request would be read on
	single := r.Spec.StreamType&connect.StreamTypeServer == 0
	headers := !single && out.receiveHeaders()
	if headers { // the client may wait for them before it goes on
		r.relayHeaders(out, info)
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
			r.relayHeaders(out, info)
		}
		if err != nil || single {
			header.CopyPeerAnswer(r.Info.ResponseTrailer(), info.ResponseTrailer(), out.peers.Cookie)
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

// relayHeaders shows the client the headers of the answer, with the way that the call took in the end.
func (r *Request) relayHeaders(out *RetryingCall, info *connect.CallInfo) {
	header.CopyPeerAnswer(r.Info.ResponseHeader(), info.ResponseHeader(), out.peers.Cookie)
	r.Route = out.route()
	r.Route.Tag(r.Info.ResponseHeader())
}
