package main

import (
	"context"
	"strconv"
	"sync"
	"time"

	"connectrpc.com/connect/v2"

	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/internal/meshtest"
)

// crowd is how many calls meet in the cell together.
const crowd = 100

// echo is the test service, with more to say to some texts:
//
//   - wait: no answer; it ends with the call.
//   - remaining: the milliseconds until the deadline that the handler sees.
//   - together: an answer only when a hundred calls with the same X-Echo are here.
type echo struct {
	meshtest.EchoService
	meetings *meetings
}

var _ testingv1connect.EchoServiceHandler = echo{}

func newEcho(id string) echo {
	return echo{meshtest.EchoService(id), &meetings{open: make(map[string]*meeting)}}
}

func (e echo) Echo(ctx context.Context, req *testingv1.EchoRequest) (*testingv1.EchoResponse, error) {
	info, ok := connect.CallInfoForServerContext(ctx)
	if !ok {
		return nil, connect.NewError(connect.CodeInternal, "a call without metadata")
	}
	if sent := info.RequestHeader().Get("X-Echo-Bin"); sent != "" {
		info.ResponseHeader().Set("X-Echo-Header-Bin", sent)
		info.ResponseTrailer().Set("X-Echo-Trailer-Bin", sent)
	}
	switch req.GetText() {
	case "wait":
		<-ctx.Done()
		return nil, ctx.Err()
	case "remaining":
		return remaining(ctx)
	case "together":
		if err := e.meetings.join(ctx, info.RequestHeader().Get("X-Echo")); err != nil {
			return nil, err
		}
	}
	return e.EchoService.Echo(ctx, req)
}

func remaining(ctx context.Context) (*testingv1.EchoResponse, error) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return nil, connect.NewError(connect.CodeFailedPrecondition, "no deadline came with the call")
	}
	return &testingv1.EchoResponse{Text: strconv.FormatInt(time.Until(deadline).Milliseconds(), 10)}, nil
}

// meetings hold calls until enough of them are there.
type meetings struct {
	mu   sync.Mutex
	open map[string]*meeting
}

type meeting struct {
	present int
	full    chan struct{}
}

func (m *meetings) join(ctx context.Context, name string) error {
	select {
	case <-m.enter(name).full:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (m *meetings) enter(name string) *meeting {
	m.mu.Lock()
	defer m.mu.Unlock()
	here, ok := m.open[name]
	if !ok {
		here = &meeting{full: make(chan struct{})}
		m.open[name] = here
	}
	if here.present++; here.present == crowd {
		close(here.full)
		delete(m.open, name)
	}
	return here
}

// hostEcho has a collector serve the test service in a namespace.
func hostEcho(c *meshtest.Collector, namespace string) error {
	service := newEcho(c.ID())
	return c.Register(namespace, func(s *connect.Server) { testingv1connect.RegisterEchoServiceHandler(s, service) })
}
