package dispatcher

import (
	"context"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/internal/observe"
	"github.com/collectiverpc/collective/internal/status"
)

// Dispatch runs a method where it lives: on the target if there is one, else here if it is registered here, else on a
// peer. Failures are in the Status; the error is always nil.
func (d *Dispatcher) Dispatch(ctx context.Context, req *collector.DispatchRequest) (*collector.DispatchResponse, error) {
	ctx, cancel := d.limits.bound(ctx, connect.StreamTypeUnary)
	defer cancel()
	meta := newMetadata(ctx, req.GetRoutingHints())
	seen := d.observer.observe(observe.Dispatch, req.GetNamespace(), "/"+req.GetService().GetServiceName()+"/"+req.GetMethodName())
	seen.caller = callerOf(ctx)
	r := &request{info: &meta.info}
	out, err := d.envelopes.dispatch(ctx, req, r)
	seen.called(r.spec.Procedure)
	seen.packed(req.GetInput(), out)
	seen.end(r.route, err)
	meta.answer()
	res := &collector.DispatchResponse{HandledByCollectorId: r.route.Executor, Route: r.route.Route}
	if err != nil {
		res.Status = refusal.FailedStatus(err, r.route.Route)
		return res, nil
	}
	res.Status, res.Output = refusal.OKStatus(r.route.Route), out
	return res, nil
}

// Serve runs a method on this very collector, or refuses it; it never forwards. Failures are in the Status; the error
// is always nil.
func (d *Dispatcher) Serve(ctx context.Context, req *collector.ServeRequest) (*collector.ServeResponse, error) {
	seen := d.observer.observe(observe.Serve, req.GetNamespace(), "/"+req.GetService().GetServiceName()+"/"+req.GetMethodName())
	seen.caller = callerOf(ctx)
	res := d.envelopes.answerServe(ctx, req)
	seen.packed(req.GetInput(), res.GetOutput())
	seen.end(d.view().Route, status.Err(res.GetStatus()))
	return res, nil
}

// answerServe is Serve without the observation.
func (e *envelopes) answerServe(ctx context.Context, req *collector.ServeRequest) *collector.ServeResponse {
	ctx, cancel := e.limits.bound(ctx, connect.StreamTypeUnary)
	defer cancel()
	meta := newMetadata(ctx, req.GetExecutionContext())
	self := e.pipeline.self
	out, err := e.serve(ctx, req, &request{info: &meta.info})
	meta.answer()
	if err != nil {
		return &collector.ServeResponse{Status: refusal.FailedStatus(err, []string{self}), ExecutorId: self}
	}
	return &collector.ServeResponse{Status: refusal.OKStatus([]string{self}), Output: out, ExecutorId: self}
}
