package client

import (
	"context"
	"fmt"
	"time"

	"connectrpc.com/connect/v2"

	conformancev1 "github.com/collectiverpc/collective/internal/conformance/gen/connectrpc/conformance/v1"
	"github.com/collectiverpc/collective/internal/conformance/gen/connectrpc/conformance/v1/conformancev1connect"
)

// dialer returns what a call goes over. It may add a header that the call needs on the way.
type dialer func(req *conformancev1.ClientCompatRequest, header *connect.Header) (connect.Transport, error)

// makeCall makes a call. An error is one of the harness; those of the call are in the result.
func makeCall(ctx context.Context, req *conformancev1.ClientCompatRequest, dial dialer) (*conformancev1.ClientResponseResult, error) {
	if req.TimeoutMs != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(req.GetTimeoutMs())*time.Millisecond)
		defer cancel()
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ctx, info := connect.NewClientContext(ctx)
	for _, header := range req.GetRequestHeaders() {
		for _, value := range header.GetValue() {
			info.RequestHeader().Add(header.GetName(), value)
		}
	}
	over, err := dial(req, info.RequestHeader())
	if err != nil {
		return nil, err
	}
	client := conformancev1connect.NewConformanceServiceClient(connect.NewClient(over))
	c := &call{ctx: ctx, cancel: cancel, client: client, req: req, result: new(conformancev1.ClientResponseResult)}
	if err := c.make(); err != nil {
		return nil, err
	}
	c.result.ResponseHeaders, c.result.ResponseTrailers = headers(info.ResponseHeader()), headers(info.ResponseTrailer())
	return c.result, nil
}

func (c *call) make() error {
	switch method := c.req.GetMethod(); method {
	case "Unary":
		return unary(c, c.client.Unary, (*conformancev1.UnaryResponse).GetPayload)
	case "IdempotentUnary":
		return unary(c, c.client.IdempotentUnary, (*conformancev1.IdempotentUnaryResponse).GetPayload)
	case "Unimplemented":
		return unary(c, c.client.Unimplemented, func(*conformancev1.UnimplementedResponse) *conformancev1.ConformancePayload { return nil })
	case "ServerStream":
		return c.serverStream()
	case "ClientStream":
		return c.clientStream()
	case "BidiStream":
		return c.bidiStream()
	default:
		return fmt.Errorf("the suite asks for a method that the service does not have: %q", method)
	}
}
