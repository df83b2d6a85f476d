package client

import (
	"errors"
	"io"

	"google.golang.org/protobuf/proto"

	conformancev1 "github.com/collectiverpc/collective/internal/conformance/gen/connectrpc/conformance/v1"
)

func (c *call) serverStream() error {
	req := new(conformancev1.ServerStreamRequest)
	if err := c.message(req); err != nil {
		return err
	}
	stream, err := c.client.ServerStream(c.ctx, req)
	if err != nil {
		c.failed(err)
		return nil
	}
	defer stream.Close()
	c.cancelAfter(c.delayAfterSending())
	receiveAll(c, stream.Receive)
	return nil
}

func (c *call) clientStream() error {
	stream, err := c.client.ClientStream(c.ctx)
	if err != nil {
		c.failed(err)
		return nil
	}
	err = sendAll(c, func() *conformancev1.ClientStreamRequest { return new(conformancev1.ClientStreamRequest) }, stream.Send, nil)
	if err != nil {
		return err
	}
	c.cancelBeforeClosing()
	c.cancelAfter(c.delayAfterSending())
	res, err := stream.CloseAndReceive()
	if err != nil {
		c.failed(err)
		return nil
	}
	c.answered(res.GetPayload())
	return nil
}

func (c *call) bidiStream() error {
	stream, err := c.client.BidiStream(c.ctx)
	if err != nil {
		c.failed(err)
		return nil
	}
	defer stream.Close()
	var next func() bool
	if c.req.GetStreamType() == conformancev1.StreamType_STREAM_TYPE_FULL_DUPLEX_BIDI_STREAM {
		next = func() bool { return receiveOne(c, stream.Receive) }
	}
	err = sendAll(c, func() *conformancev1.BidiStreamRequest { return new(conformancev1.BidiStreamRequest) }, stream.Send, next)
	if err != nil {
		return err
	}
	c.cancelBeforeClosing()
	if err := stream.CloseSend(); err != nil && !errors.Is(err, io.EOF) {
		c.failed(err)
		return nil
	}
	c.cancelAfter(c.delayAfterSending())
	if c.result.GetError() == nil {
		receiveAll(c, stream.Receive)
	}
	return nil
}

func (c *call) cancelBeforeClosing() {
	if c.req.GetCancel().GetBeforeCloseSend() != nil {
		c.cancel()
	}
}

// sendAll sends the request messages until the call is over. next, if not nil, awaits an answer to each and reports
// whether the call goes on.
func sendAll[Req proto.Message](c *call, empty func() Req, send func(Req) error, next func() bool) error {
	messages := c.req.GetRequestMessages()
	for i, packed := range messages {
		message := empty()
		if err := packed.UnmarshalTo(message); err != nil {
			return err
		}
		c.delayRequest()
		if send(message) != nil { // receiving tells why
			c.result.NumUnsentRequests = int32(len(messages) - i)
			return nil
		}
		if next != nil && !next() {
			return nil
		}
	}
	return nil
}

// receiveOne records one answer, or how the call ended.
func receiveOne[Res interface {
	GetPayload() *conformancev1.ConformancePayload
}](c *call, receive func() (Res, error)) bool {
	res, err := receive()
	if err != nil {
		c.failed(err)
		return false
	}
	c.answered(res.GetPayload())
	return true
}

func receiveAll[Res interface {
	GetPayload() *conformancev1.ConformancePayload
}](c *call, receive func() (Res, error)) {
	for receiveOne(c, receive) {
	}
}
