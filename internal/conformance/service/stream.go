package service

import (
	"context"
	"errors"
	"io"

	"google.golang.org/protobuf/proto"

	conformancev1 "github.com/collectiverpc/collective/internal/conformance/gen/connectrpc/conformance/v1"
	"github.com/collectiverpc/collective/internal/conformance/gen/connectrpc/conformance/v1/conformancev1connect"
)

func (service) ServerStream(
	ctx context.Context, req *conformancev1.ServerStreamRequest,
	stream conformancev1connect.ConformanceServiceServerStreamServerStream,
) error {
	a := newAnswers(ctx, req.GetResponseDefinition(), stream.SendHeaders, func(p *conformancev1.ConformancePayload) error {
		return stream.Send(&conformancev1.ServerStreamResponse{Payload: p})
	})
	a.received(req)
	return a.rest()
}

func (service) BidiStream(
	ctx context.Context, stream conformancev1connect.ConformanceServiceBidiStreamServerStream,
) error {
	first, err := stream.Receive()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return err
	}
	a := newAnswers(ctx, first.GetResponseDefinition(), stream.SendHeaders, func(p *conformancev1.ConformancePayload) error {
		return stream.Send(&conformancev1.BidiStreamResponse{Payload: p})
	})
	a.received(first)
	if first.GetFullDuplex() {
		return a.alternate(stream)
	}
	requests, err := receiveAll(stream.Receive)
	if err != nil {
		return err
	}
	for _, req := range requests {
		a.received(req)
	}
	return a.rest()
}

// answers is the response stream that a definition asks for.
type answers struct {
	ctx         context.Context //nolint:containedctx // lives as long as the call
	definition  *conformancev1.StreamResponseDefinition
	sendHeaders func() error
	send        func(*conformancev1.ConformancePayload) error
	requests    []proto.Message // received since the last answer
	sent        int
}

func newAnswers(
	ctx context.Context, definition *conformancev1.StreamResponseDefinition,
	sendHeaders func() error, send func(*conformancev1.ConformancePayload) error,
) *answers {
	setMetadata(ctx, definition)
	return &answers{ctx: ctx, definition: definition, sendHeaders: sendHeaders, send: send}
}

func (a *answers) received(req proto.Message) { a.requests = append(a.requests, req) }

// alternate answers request by request, then with what is left of the definition.
func (a *answers) alternate(stream conformancev1connect.ConformanceServiceBidiStreamServerStream) error {
	for a.left() {
		if err := a.next(true); err != nil {
			return err
		}
		req, err := stream.Receive()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		a.received(req)
	}
	return a.rest()
}

func (a *answers) left() bool { return a.sent < len(a.definition.GetResponseData()) }

// rest sends the answers that are left and the verdict.
func (a *answers) rest() error {
	for a.left() {
		if err := a.next(false); err != nil {
			return err
		}
	}
	return a.verdict()
}

// next sends an answer. The first tells all that was observed; later ones tell the requests since, if echo is set.
func (a *answers) next(echo bool) error {
	payload := &conformancev1.ConformancePayload{Data: a.definition.GetResponseData()[a.sent]}
	var err error
	switch {
	case a.sent == 0:
		payload.RequestInfo, err = observe(a.ctx, a.requests)
		err = errors.Join(err, a.sendHeaders())
	case echo:
		payload.RequestInfo = new(conformancev1.ConformancePayload_RequestInfo)
		payload.RequestInfo.Requests, err = packed(a.requests)
	}
	if err != nil {
		return err
	}
	if err := wait(a.ctx, a.definition.GetResponseDelayMs()); err != nil {
		return err
	}
	a.sent++
	a.requests = nil
	return a.send(payload)
}

// verdict is the error of the definition, if any. An error before any answer tells what was observed.
func (a *answers) verdict() error {
	asked := a.definition.GetError()
	if asked == nil {
		return nil
	}
	if a.sent > 0 {
		return newError(asked, nil)
	}
	seen, err := observe(a.ctx, a.requests)
	if err != nil {
		return err
	}
	return newError(asked, seen)
}
