package inprocess

import (
	"context"
	"errors"
	"io"
	"testing"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
)

// handler is a Runner that runs itself, whatever the method is.
type handler func(ctx context.Context, info *connect.CallInfo, stream connect.ServerStream) error

func (h handler) RunInProcess(caller context.Context, _ *hosted.Method, info *connect.CallInfo, stream connect.ServerStream) error {
	return h(Detached(caller), info, stream)
}

func open(t *testing.T, kind connect.StreamType, h handler) (connect.ClientStream, *connect.CallInfo) {
	t.Helper()
	type key struct{}
	ctx, info := connect.NewClientContext(context.WithValue(t.Context(), key{}, "the caller's"))
	checked := func(ctx context.Context, server *connect.CallInfo, stream connect.ServerStream) error {
		if ctx.Value(key{}) != nil {
			t.Error("the handler sees a value of its caller's context")
		}
		return h(ctx, server, stream)
	}
	m := &hosted.Method{Spec: connect.Spec{Procedure: "/a.B/C", StreamType: kind}}
	return Open(ctx, "self", handler(checked), m, info), info
}

// Neither side can change what the other has, and what belongs to a protocol does not get through.
func TestOpen_SidesShareNothing(t *testing.T) {
	t.Parallel()
	for _, kind := range []connect.StreamType{connect.StreamTypeUnary, connect.StreamTypeBidi} {
		answer := &testingv1.EchoResponse{Text: "answer"}
		stream, info := open(t, kind, func(_ context.Context, server *connect.CallInfo, stream connect.ServerStream) error {
			req := new(testingv1.EchoRequest)
			if err := stream.Receive(req); err != nil {
				return err
			}
			if req.GetText() != "request" || server.RequestHeader().Get("X-Own") != "1" || server.RequestHeader().Get("Content-Type") != "" {
				t.Errorf("%v: the handler has %q and %v", kind, req.GetText(), server.RequestHeader())
			}
			req.Text = "changed by the handler"
			server.ResponseHeader().Set("X-Answer", "2")
			err := stream.Send(answer)
			answer.Text = "changed by the handler"
			return err
		})
		info.RequestHeader().Set("X-Own", "1")
		info.RequestHeader().Set("Content-Type", "of a protocol")
		req, res := &testingv1.EchoRequest{Text: "request"}, new(testingv1.EchoResponse)
		if err := errors.Join(stream.Send(req), stream.CloseSend(), stream.Receive(res)); err != nil {
			t.Fatal(err)
		}
		if err := stream.Receive(res); !errors.Is(err, io.EOF) {
			t.Errorf("%v: then %v", kind, err)
		}
		if req.GetText() != "request" || res.GetText() != "answer" || info.ResponseHeader().Get("X-Answer") != "2" {
			t.Errorf("%v: the caller has %q, %q, %v", kind, req.GetText(), res.GetText(), info.ResponseHeader())
		}
		if err := stream.Close(); err != nil {
			t.Error(err)
		}
	}
}

// The end of the caller ends the handler, and nothing of the call stays.
func TestOpen_CloseEndsTheHandler(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	stream, _ := open(t, connect.StreamTypeServer, func(ctx context.Context, _ *connect.CallInfo, stream connect.ServerStream) error {
		<-ctx.Done()
		ended <- stream.Send(new(testingv1.EchoResponse))
		return ctx.Err()
	})
	if err := stream.SendHeaders(); err != nil {
		t.Fatal(err)
	}
	if err := stream.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the handler's Send: %v", err)
	}
}
