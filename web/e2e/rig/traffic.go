package main

import (
	"context"
	"strconv"
	"sync"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/mesh"
)

// callers make calls at the same time, so that one that waits does not hold the others up.
const callers = 16

// traffic makes calls through the mesh at a steady rate: half of them run on the peers in turn, one in twenty is for
// nobody. The function it returns waits for its end, which comes with that of ctx.
func traffic(ctx context.Context, d *dispatcher.Dispatcher, rate, peers int) (wait func()) {
	client := testingv1connect.NewKitchenServiceClient(connect.NewClient(d.Transport(namespace)))
	pause := callers * time.Second / time.Duration(rate)
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() { caller(ctx, client, i, pause, peers) })
	}
	return group.Wait
}

// caller makes a call after each pause. One that comes late is followed at once by the next: the rate is kept.
func caller(ctx context.Context, client testingv1connect.KitchenServiceClient, first int, pause time.Duration, peers int) {
	due := time.Now()
	for n := first; ctx.Err() == nil; n += callers {
		callCtx, info := connect.NewClientContext(ctx)
		if target := targetOf(n, peers); target != "" {
			info.RequestHeader().Set(mesh.HeaderTarget, target)
		}
		_, _ = client.Cook(callCtx, &testingv1.CookRequest{Text: strconv.Itoa(n)}) // one in twenty fails on purpose
		due = due.Add(pause)
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
		}
	}
}

func targetOf(n, peers int) string {
	switch {
	case n%20 == 7:
		return "nobody"
	case n%2 == 0 && peers > 0:
		return peerName(n / 2 % peers)
	}
	return ""
}
