package dispatcher

import (
	"context"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher/internal/call"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/internal/observe"
	"github.com/collectiverpc/collective/internal/status"
)

// Dispatch runs a method where it lives: on the target if there is one, else here if it is registered here, else on a
// peer. Failures are in the Status; the error is always nil.
func (d *Dispatcher) Dispatch(ctx context.Context, req *collector.DispatchRequest) (*collector.DispatchResponse, error) {
	ctx, cancel := d.envelopes.timeouts.Bound(ctx, connect.StreamTypeUnary)
	defer cancel()
	meta := newMetadata(ctx, req.GetRoutingHints())
	seen := d.observer.Observe(observe.Dispatch, req.GetNamespace(), "/"+req.GetService().GetServiceName()+"/"+req.GetMethodName())
	seen.Caller = call.CallerOf(ctx)
	r := &call.Request{Info: &meta.info}
	out, err := d.envelopes.dispatch(ctx, req, r)
	seen.Called(r.Spec.Procedure)
	seen.Packed(req.GetInput(), out)
	seen.End(r.Route, err)
	meta.answer()
	res := &collector.DispatchResponse{HandledByCollectorId: r.Route.Executor, Route: r.Route.Route}
	if err != nil {
		res.Status = refusal.FailedStatus(err, r.Route.Route)
		return res, nil
	}
	res.Status, res.Output = refusal.OKStatus(r.Route.Route), out
	return res, nil
}

// Serve runs a method on this very collector, or refuses it; it never forwards. Failures are in the Status; the error
// is always nil.
func (d *Dispatcher) Serve(ctx context.Context, req *collector.ServeRequest) (*collector.ServeResponse, error) {
	seen := d.observer.Observe(observe.Serve, req.GetNamespace(), "/"+req.GetService().GetServiceName()+"/"+req.GetMethodName())
	seen.Caller = call.CallerOf(ctx)
	res := d.envelopes.answerServe(ctx, req)
	seen.Packed(req.GetInput(), res.GetOutput())
	seen.End(d.view().Route, status.Err(res.GetStatus()))
	return res, nil
}

// answerServe is Serve without the observation.
func (e *envelopes) answerServe(ctx context.Context, req *collector.ServeRequest) *collector.ServeResponse {
	ctx, cancel := e.timeouts.Bound(ctx, connect.StreamTypeUnary)
	defer cancel()
	meta := newMetadata(ctx, req.GetExecutionContext())
	self := e.pipeline.Self
	out, err := e.serve(ctx, req, &call.Request{Info: &meta.info})
	meta.answer()
	if err != nil {
		return &collector.ServeResponse{Status: refusal.FailedStatus(err, []string{self}), ExecutorId: self}
	}
	return &collector.ServeResponse{Status: refusal.OKStatus([]string{self}), Output: out, ExecutorId: self}
}
