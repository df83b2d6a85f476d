package meshtest

import (
	"context"
	"errors"
	"io"
	"strings"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"

	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
)

// EchoService implements the test service. It is the id of the collector it runs on, which its answers name, and sends
// the header X-Echo back as a header and as a trailer.
type EchoService string

var _ testingv1connect.EchoServiceHandler = EchoService("")

// Reply sends X-Echo back and returns what to answer to a text.
// Tests that need a method of another kind build it on this, so that they check headers the same way.
func (e EchoService) Reply(ctx context.Context, text string) string {
	if info, ok := connect.CallInfoForServerContext(ctx); ok {
		info.ResponseHeader().Set("X-Echo-Header", info.RequestHeader().Get("X-Echo"))
		info.ResponseTrailer().Set("X-Echo-Trailer", info.RequestHeader().Get("X-Echo"))
	}
	return text + " on " + string(e)
}

// Echo answers the text and as many bytes of padding as the request says, for tests of large answers.
func (e EchoService) Echo(ctx context.Context, req *testingv1.EchoRequest) (*testingv1.EchoResponse, error) {
	return &testingv1.EchoResponse{Text: e.Reply(ctx, req.GetText()), Padding: make([]byte, req.GetPadding())}, nil
}

// Look is Echo without side effects: a call of it may be repeated.
func (e EchoService) Look(ctx context.Context, req *testingv1.LookRequest) (*testingv1.LookResponse, error) {
	return &testingv1.LookResponse{Text: e.Reply(ctx, req.GetText())}, nil
}

// Fail fails as it is asked to: with a code, a text and a detail or, by code 0, with an error that is none of connect's and
// whose text callers must not see.
func (e EchoService) Fail(ctx context.Context, req *testingv1.FailRequest) (*testingv1.FailResponse, error) {
	e.Reply(ctx, "")
	if req.GetCode() == 0 {
		return nil, errors.New("a plain error with a secret")
	}
	err := connect.NewError(connect.Code(req.GetCode()), req.GetMessage())
	if req.GetDetail() != "" {
		detail, _ := connectproto.NewErrorDetail(&testingv1.FailRequest{Detail: req.GetDetail()})
		err = err.WithDetail(detail)
	}
	return nil, err
}

// Collect adds up numbers until the client ends; a negative one ends the call early, while the client may be sending.
func (e EchoService) Collect(ctx context.Context, stream testingv1connect.EchoServiceCollectServerStream) (*testingv1.CollectResponse, error) {
	e.Reply(ctx, "")
	sum := int64(0)
	for {
		req, err := stream.Receive()
		if errors.Is(err, io.EOF) {
			return &testingv1.CollectResponse{Sum: sum}, nil
		}
		if err != nil {
			return nil, err
		}
		if req.GetNumber() < 0 {
			return nil, connect.NewError(connect.CodeOutOfRange, "negative")
		}
		sum += req.GetNumber()
	}
}

// Count sends the numbers from 1 to a limit, as fast as they are taken.
func (e EchoService) Count(ctx context.Context, req *testingv1.CountRequest, stream testingv1connect.EchoServiceCountServerStream) error {
	e.Reply(ctx, "")
	for n := int64(1); n <= req.GetLimit(); n++ {
		if err := stream.Send(&testingv1.CountResponse{Number: n}); err != nil {
			return err
		}
	}
	return nil
}

// Converse answers each text before it reads the next; one that begins with "stop" ends the call with an error.
func (e EchoService) Converse(ctx context.Context, stream testingv1connect.EchoServiceConverseServerStream) error {
	for {
		req, err := stream.Receive()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if strings.HasPrefix(req.GetText(), "stop") {
			return connect.NewError(connect.CodeAborted, req.GetText())
		}
		if err := stream.Send(&testingv1.ConverseResponse{Text: e.Reply(ctx, req.GetText())}); err != nil {
			return err
		}
	}
}
