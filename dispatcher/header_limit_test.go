package dispatcher_test

import (
	"strings"
	"testing"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/gen/collector"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
)

// Headers that a collector takes may still be too large for a link. That fails the call which has them, as the mesh's own
// refusal, and no other.
func TestHeaders_TooLargeForALink(t *testing.T) {
	t.Parallel()
	a, b := pair(t, dispatcher.WithLimits(dispatcher.Limits{HeaderBytes: 256 << 10}))
	other, err := a.client(t).Converse(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	large := strings.Repeat("x", 100<<10)
	for _, client := range []func(*testing.T) error{
		func(t *testing.T) error {
			ctx, info := connect.NewClientContext(t.Context())
			info.RequestHeader().Set("X-Large", large)
			_, err := a.client(t).Echo(ctx, &testingv1.EchoRequest{})
			return err
		},
		func(t *testing.T) error {
			ctx, info := connect.NewClientContext(t.Context())
			info.RequestHeader().Set("X-Large", large)
			_, err := a.mesh("test").Echo(ctx, &testingv1.EchoRequest{})
			return err
		},
	} {
		err := client(t)
		if connect.CodeOf(err) != connect.CodeResourceExhausted {
			t.Fatalf("err = %v, want resource_exhausted", err)
		}
		if failure := callFailure(t, err); failure.GetReason() != "too_large" || failure.GetMaybeExecuted() {
			t.Errorf("failure %v", failure)
		}
		if err := other.Send(&testingv1.ConverseRequest{Text: "go"}); err != nil {
			t.Fatal(err)
		}
		if res, err := other.Receive(); err != nil || res.GetText() != "go on b" {
			t.Fatalf("the other call: %v, %v", res, err)
		}
	}
	res, _ := a.Dispatch(t.Context(), &collector.DispatchRequest{
		Namespace: "test", Service: ref("EchoService"), MethodName: "Echo", Input: pack(t, &testingv1.EchoRequest{}),
		RoutingHints: map[string]string{"X-Large": large},
	})
	if got := res.GetStatus(); got.GetCode() != 429 || got.GetDetails()["reason"] != "too_large" {
		t.Errorf("Dispatch: %v", got)
	}
	if peer, ok := a.Connections().Table().Peer("b"); !ok || !peer.Routable() {
		t.Errorf("the link is gone: %+v", peer)
	}
	if res, err := b.client(t).Echo(t.Context(), &testingv1.EchoRequest{Text: "hi"}); err != nil || res.GetText() != "hi on b" {
		t.Errorf("%v, %v", res, err)
	}
}
