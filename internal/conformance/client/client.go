package client

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/internal/conformance/compat"
	conformancev1 "github.com/collectiverpc/collective/internal/conformance/gen/connectrpc/conformance/v1"
	"github.com/collectiverpc/collective/internal/conformance/gen/connectrpc/conformance/v1/conformancev1connect"
	"github.com/collectiverpc/collective/internal/conformance/mesh"
	"github.com/collectiverpc/collective/internal/conformance/relay"
)

// parallel is how many calls run at once. Most of them wait for a delay that the suite asked for.
const parallel = 16

// Routed makes the calls that the test runner asks for on stdin through the mesh and reports them on stdout.
func Routed(ctx context.Context, stdin io.Reader, stdout io.Writer) error {
	child, err := mesh.StartChild(ctx, relay.Role)
	if err != nil {
		return err
	}
	defer child.Stop()
	d, err := dispatcher.New("client", "", []string{mesh.Namespace},
		dispatcher.WithLimits(mesh.Limits(0)), dispatcher.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		return err
	}
	defer d.Connections().Close()
	if err := mesh.Join(ctx, d, child.Address, conformancev1connect.ConformanceServiceUnaryProcedure); err != nil {
		return err
	}
	return run(ctx, stdin, stdout, func(req *conformancev1.ClientCompatRequest, header *connect.Header) (connect.Transport, error) {
		return d.Transport(mesh.Namespace), relay.Address(header, req)
	})
}

// Plain makes the calls with a connect-go client and nothing else, as the yardstick.
func Plain(ctx context.Context, stdin io.Reader, stdout io.Writer) error {
	references := relay.NewReferences()
	return run(ctx, stdin, stdout, func(req *conformancev1.ClientCompatRequest, _ *connect.Header) (connect.Transport, error) {
		return references.Transport(req)
	})
}

// run makes every call that is asked for on stdin.
func run(ctx context.Context, stdin io.Reader, stdout io.Writer, dial dialer) error {
	out := &results{w: stdout}
	slots := make(chan struct{}, parallel)
	var calls sync.WaitGroup
	defer calls.Wait()
	for {
		req := new(conformancev1.ClientCompatRequest)
		err := compat.Read(stdin, req)
		if errors.Is(err, io.EOF) {
			calls.Wait()
			return out.err
		}
		if err != nil {
			return err
		}
		slots <- struct{}{}
		calls.Go(func() {
			defer func() { <-slots }()
			out.write(report(ctx, req, dial))
		})
	}
}

// results writes reports one at a time and keeps the first error.
type results struct {
	mu  sync.Mutex
	w   io.Writer // guarded by mu, as is err
	err error
}

func (r *results) write(res *conformancev1.ClientCompatResponse) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := compat.Write(r.w, res); err != nil && r.err == nil {
		r.err = err
	}
}

// report makes a call and says what came of it.
func report(ctx context.Context, req *conformancev1.ClientCompatRequest, dial dialer) *conformancev1.ClientCompatResponse {
	res := &conformancev1.ClientCompatResponse{TestName: req.GetTestName()}
	result, err := makeCall(ctx, req, dial)
	if err != nil {
		res.Result = &conformancev1.ClientCompatResponse_Error{Error: &conformancev1.ClientErrorResult{Message: err.Error()}}
		return res
	}
	res.Result = &conformancev1.ClientCompatResponse_Response{Response: result}
	return res
}
