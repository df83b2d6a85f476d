package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"
	"google.golang.org/protobuf/proto"

	conformancev1 "github.com/collectiverpc/collective/internal/conformance/gen/connectrpc/conformance/v1"
	"github.com/collectiverpc/collective/internal/conformance/gen/connectrpc/conformance/v1/conformancev1connect"
)

// call is one call that the suite asked for.
type call struct {
	ctx    context.Context //nolint:containedctx // of the call itself
	cancel context.CancelFunc
	client conformancev1connect.ConformanceServiceClient
	req    *conformancev1.ClientCompatRequest
	result *conformancev1.ClientResponseResult
}

func headers(h *connect.Header) []*conformancev1.Header {
	var all []*conformancev1.Header
	for name, values := range h.All() {
		all = append(all, &conformancev1.Header{Name: name, Value: slices.Clone(values)})
	}
	return all
}

// unary makes a call with one message each way.
func unary[Req, Res any, P interface {
	*Req
	proto.Message
}](c *call, stub func(context.Context, *Req) (*Res, error), payload func(*Res) *conformancev1.ConformancePayload) error {
	var req Req
	if err := c.message(P(&req)); err != nil {
		return err
	}
	c.cancelAfter(c.delayAfterSending())
	res, err := stub(c.ctx, &req)
	if err != nil {
		c.failed(err)
		return nil
	}
	c.answered(payload(res))
	return nil
}

// message unpacks the only request message.
func (c *call) message(into proto.Message) error {
	if n := len(c.req.GetRequestMessages()); n != 1 {
		return fmt.Errorf("%s has one request, the suite has %d", c.req.GetMethod(), n)
	}
	return c.req.GetRequestMessages()[0].UnmarshalTo(into)
}

// answered records a payload and cancels if the suite wants that now.
func (c *call) answered(payload *conformancev1.ConformancePayload) {
	c.result.Payloads = append(c.result.Payloads, payload)
	if n := c.req.GetCancel().GetAfterNumResponses(); n > 0 && int(n) == len(c.result.GetPayloads()) {
		c.cancel()
	}
}

// failed records the error of the call, unless it is the end of a stream.
func (c *call) failed(err error) {
	if errors.Is(err, io.EOF) {
		return
	}
	verdict, ok := errors.AsType[*connect.Error](err)
	if !ok {
		verdict = connect.NewError(connect.CodeOf(err), err.Error())
	}
	c.result.Error = &conformancev1.Error{
		Code: conformancev1.Code(verdict.Code()), Message: new(verdict.Message()),
	}
	for _, detail := range verdict.Details() {
		c.result.Error.Details = append(c.result.Error.Details, connectproto.ErrorDetailToAny(detail))
	}
}

// delayAfterSending is how long after the request's end the call is to be canceled; negative: never.
func (c *call) delayAfterSending() time.Duration {
	switch timing := c.req.GetCancel().GetCancelTiming().(type) {
	case *conformancev1.ClientCompatRequest_Cancel_AfterCloseSendMs:
		return time.Duration(timing.AfterCloseSendMs) * time.Millisecond
	case nil:
		if c.req.GetCancel() != nil {
			return 0
		}
	}
	return -1
}

func (c *call) cancelAfter(delay time.Duration) {
	if delay >= 0 {
		time.AfterFunc(delay, c.cancel)
	}
}

func (c *call) delayRequest() {
	time.Sleep(time.Duration(c.req.GetRequestDelayMs()) * time.Millisecond)
}
