package dispatcher

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
func (p *peers) relay(ctx context.Context, r *request, stream connect.ServerStream) error {
	if r.spec.StreamType&connect.StreamTypeClient != 0 {
		return p.relayStream(ctx, r, stream)
	}
	return p.relaySingle(ctx, r, stream)
}

// relaySingle forwards a call with one request message.
func (p *peers) relaySingle(ctx context.Context, r *request, stream connect.ServerStream) error {
	raw := new(link.Raw)
	if err := stream.Receive(raw); err != nil {
		return err
	}
	ctx, info := connect.NewClientContext(ctx)
	out, err := p.open(ctx, info, r.decision, r.call(), r.info.RequestHeader())
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
	return r.relayAnswers(out, info, stream)
}

// relayStream forwards a call with any number of request messages: they go up on a goroutine of their own while the
// answers come down.
func (p *peers) relayStream(ctx context.Context, r *request, stream connect.ServerStream) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ctx, info := connect.NewClientContext(ctx)
	out, err := p.open(ctx, info, r.decision, r.call(), r.info.RequestHeader())
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
func (r *request) stopRequest(up <-chan error) error {
	select {
	case err := <-up:
		return err
	default:
	}
	if r.stop != nil {
		r.stop()
	}
	<-up
	return nil
}

// pump carries request messages to the peer until the client ends them.
func pump(out *retryingCall, stream connect.ServerStream) (err error) {
	defer out.peers.recovery.Rescue(out.ctx, out.call.Spec.Procedure, &err) // nobody else would, on this goroutine
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
func (r *request) relayAnswers(out *retryingCall, info *connect.CallInfo, stream connect.ServerStream) (err error) {
	defer out.peers.recovery.Rescue(out.ctx, out.call.Spec.Procedure, &err) // or the request would be read on
	single := r.spec.StreamType&connect.StreamTypeServer == 0
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
			header.CopyAnswer(r.info.ResponseTrailer(), info.ResponseTrailer())
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

func (r *request) relayHeaders(out *retryingCall, info *connect.CallInfo) {
	header.CopyAnswer(r.info.ResponseHeader(), info.ResponseHeader())
	r.route = out.route()
	r.route.Tag(r.info.ResponseHeader())
}
