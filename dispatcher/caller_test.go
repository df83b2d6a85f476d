package dispatcher_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
)

// TestTransport_MemoryIsUsedAgain has many callers, some of whom give up, whose calls share memory one after another:
// every answer is the caller's own.
func TestTransport_MemoryIsUsedAgain(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	for _, n := range []node{a, b} {
		var callers sync.WaitGroup
		for caller := range 16 {
			callers.Go(func() {
				for i := range 200 {
					callOnce(t, n.mesh("test"), fmt.Sprintf("%s %d %d", n.ID(), caller, i), rand.IntN(8) == 0)
				}
			})
		}
		callers.Wait()
	}
}

// callOnce makes a call that only its own answer can satisfy; one that is given up may also fail.
func callOnce(t *testing.T, client testingv1connect.EchoServiceClient, text string, giveUp bool) {
	ctx, info := connect.NewClientContext(t.Context())
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	info.RequestHeader().Set("X-Echo", text)
	if giveUp {
		go cancel()
	}
	res, err := client.Echo(ctx, &testingv1.EchoRequest{Text: text})
	switch {
	case giveUp && connect.CodeOf(err) == connect.CodeCanceled:
	case err != nil || res.GetText() != text+" on b":
		t.Errorf("%q was answered %q, %v", text, res.GetText(), err)
	case info.ResponseHeader().Get("X-Echo-Header") != text:
		t.Errorf("%q has the headers of %q", text, info.ResponseHeader().Get("X-Echo-Header"))
	}
}

// TestTransport_ClosedStreamStaysClosed has an interceptor that goes on with the stream of the call before, whose memory
// the present call may have.
func TestTransport_ClosedStreamStaysClosed(t *testing.T) {
	t.Parallel()
	a, _ := pair(t)
	var former connect.ClientStream
	meddle := func(next connect.ClientFunc) connect.ClientFunc {
		return func(ctx context.Context, spec connect.Spec) (connect.ClientStream, error) {
			stream, err := next(ctx, spec)
			if former != nil {
				checkClosed(t, former)
			}
			former = stream
			return stream, err
		}
	}
	client := testingv1connect.NewEchoServiceClient(connect.NewClient(a.Transport("test"), meddle))
	for i := range 50 {
		callOnce(t, client, fmt.Sprint(i), false)
	}
}

func checkClosed(t *testing.T, stream connect.ClientStream) {
	t.Helper()
	if err := stream.Send(&testingv1.EchoRequest{Text: "not mine"}); !errors.Is(err, io.EOF) {
		t.Errorf("Send on a closed stream = %v", err)
	}
	if err := stream.SendHeaders(); !errors.Is(err, io.EOF) {
		t.Errorf("SendHeaders on a closed stream = %v", err)
	}
	if err := stream.Receive(new(testingv1.EchoResponse)); connect.CodeOf(err) != connect.CodeCanceled {
		t.Errorf("Receive on a closed stream = %v", err)
	}
	if err := errors.Join(stream.CloseSend(), stream.Close()); err != nil {
		t.Errorf("closing a closed stream = %v", err)
	}
}

// TestTransport_ServerStreamEndsWithItsHandler has a server interceptor that goes on with the stream of the call before.
func TestTransport_ServerStreamEndsWithItsHandler(t *testing.T) {
	t.Parallel()
	var former connect.ServerStream
	meddle := func(next connect.ServerFunc) connect.ServerFunc {
		return func(ctx context.Context, spec connect.Spec, stream connect.ServerStream) error {
			if spec.Procedure != testingv1connect.EchoServiceEchoProcedure {
				return next(ctx, spec, stream) // a collector pulls the schema of the other, whenever that may be
			}
			if former != nil {
				if err := former.Send(&testingv1.EchoResponse{Text: "not mine"}); err == nil {
					t.Error("Send after the handler's return succeeded")
				}
				if err := former.Receive(new(testingv1.EchoRequest)); err == nil || errors.Is(err, io.EOF) {
					t.Errorf("Receive after the handler's return = %v", err)
				}
			}
			former = stream
			return next(ctx, spec, stream)
		}
	}
	a, _ := pair(t, dispatcher.WithServerInterceptors(meddle))
	for i := range 50 {
		callOnce(t, a.mesh("test"), fmt.Sprint(i), false)
	}
}
