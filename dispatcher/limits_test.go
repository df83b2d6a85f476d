package dispatcher_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/gen/collector"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
)

func TestLimits_RequestsMayBeBoundedBelowAnswers(t *testing.T) {
	t.Parallel()
	const limit = 16 << 10
	a, b := pair(t, dispatcher.WithLimits(dispatcher.Limits{RequestBytes: limit}))
	for _, n := range []node{a, b} {
		client := n.client(t)
		if _, err := client.Echo(t.Context(), &testingv1.EchoRequest{Text: strings.Repeat("x", limit+1)}); connect.CodeOf(err) != connect.CodeResourceExhausted {
			t.Errorf("a request over the limit at %s: %v", n.ID(), err)
		}
		if res, err := client.Echo(t.Context(), &testingv1.EchoRequest{Padding: 4 * limit}); err != nil || len(res.GetPadding()) != 4*limit {
			t.Errorf("an answer of four times the limit at %s: %v", n.ID(), err)
		}
	}
}

func TestLimits_NoTimeouts(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"test"}, dispatcher.WithLimits(dispatcher.Limits{DefaultTimeout: -1, MaxTimeout: -1}))
	has := make(chan time.Duration, 1)
	if err := a.RegisterService("test", "S", "M", func(ctx context.Context, _ any) (any, error) {
		var left time.Duration
		if deadline, ok := ctx.Deadline(); ok {
			left = time.Until(deadline)
		}
		has <- left
		return nil, nil
	}); err != nil {
		t.Fatal(err)
	}
	long, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
	defer cancel()
	for ctx, least := range map[context.Context]time.Duration{t.Context(): 0, long: 23 * time.Hour} {
		if res, _ := a.Dispatch(ctx, &collector.DispatchRequest{Namespace: "test", Service: ref("S"), MethodName: "M"}); res.GetStatus().GetCode() != 200 {
			t.Fatal(res)
		}
		if left := <-has; left < least || least == 0 && left != 0 {
			t.Errorf("the handler has %v, want at least %v, or none at all", left, least)
		}
	}
	if limits := a.Limits().Map(); limits["default timeout"] != "none" || limits["max timeout"] != "none" {
		t.Errorf("limits print as %v", limits)
	}
}
