package entrance

import (
	"context"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/collectiverpc/collective/dispatcher/internal/call"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/internal/observe"
)

// Envelopes is the entrance of calls that come in an RPC of the seed: Dispatch runs them where they live, Serve here or nowhere.
// Its methods never fail as RPCs: what became of the call is in the status of the response, where the seed's clients look.
type Envelopes struct {
	Pipeline *call.Pipeline
	Observer *call.Observer
	Timeouts call.Timeouts
	Message  int // bytes of the largest message
}

// dispatch runs a call where it lives. The request of meta is filled as far as the call gets.
// While peers of earlier runs are expected it waits for a view in which the call is not refused for want of them.
func (e *Envelopes) dispatch(ctx context.Context, req *collector.DispatchRequest, meta *metadata) (*anypb.Any, error) {
	r := &meta.request
	r.Namespace, r.Target = req.GetNamespace(), req.GetTargetCollectorId()
	r.View = e.Pipeline.Views.Until(ctx, func(v *routing.View) *refusal.Refusal {
		r.View = v
		return e.find(meta, req)
	})
	return e.run(ctx, meta, req)
}

// serve runs a call here or refuses it: the view has no peers.
// That no call makes a second hop follows from the view, not from a check.
func (e *Envelopes) serve(ctx context.Context, req *collector.ServeRequest, meta *metadata) (*anypb.Any, error) {
	meta.request.Namespace, meta.request.View = req.GetNamespace(), e.Pipeline.Executor.Alone.Now()
	return e.run(ctx, meta, req)
}

// find finds what an envelope means, and decides it.
// It may be called again with another view: it leaves nothing of the last one.
func (e *Envelopes) find(meta *metadata, req Envelope) *refusal.Refusal {
	r := &meta.request
	r.Route, r.Decision = r.View.Route, routing.Decision{}
	if refused := checkEnvelope(req, meta.named); refused != nil {
		return refused
	}
	procedure, refused := r.View.Resolve(req.GetNamespace(), req.GetService().GetServiceName(), req.GetMethodName())
	if refused != nil {
		return refused
	}
	r.Procedure = procedure
	e.Pipeline.Decide(r)
	return r.Decision.Refusal
}

// run finds the call once more, in the view that it was given, and runs it. A handler that returns neither an answer nor an
// error is at fault, and the caller is told.
func (e *Envelopes) run(ctx context.Context, meta *metadata, req Envelope) (*anypb.Any, error) {
	r := &meta.request
	refused := e.Pipeline.Authorize(ctx, r, e.find(meta, req))
	var stream *envelopeStream
	if refused == nil {
		stream, refused = newEnvelopeStream(r, req.GetInput(), e.Message-envelopeOverhead)
	}
	if refused != nil {
		return nil, refused.Err(e.Pipeline.Self)
	}
	r.Enveloped = true
	r.Info.Spec = r.Spec
	if err := e.Pipeline.Run(ctx, r, stream); err != nil {
		return nil, err
	}
	if stream.out == nil {
		return nil, connect.NewError(connect.CodeInternal, "the handler of "+refusal.Spoken(r.Procedure)+" returned without an answer")
	}
	return stream.out, nil
}

// Dispatch is the RPC: it runs a call where it lives.
// The response says by which collectors the call went, also where it failed on its way.
func (e *Envelopes) Dispatch(ctx context.Context, req *collector.DispatchRequest) *collector.DispatchResponse {
	ctx, cancel := e.Timeouts.Bound(ctx, connect.StreamTypeUnary)
	defer cancel()
	meta := newMetadata(ctx, req.GetRoutingHints())
	seen := e.Observer.Observe(observe.Dispatch, req.GetNamespace(), "/"+req.GetService().GetServiceName()+"/"+req.GetMethodName())
	seen.Caller = call.CallerOf(ctx)
	r := &meta.request
	r.Caller = e.Pipeline.Access.OfContext(ctx)
	seen.By(r.Caller)
	out, err := e.dispatch(ctx, req, meta)
	seen.Called(r.Spec.Procedure)
	seen.Packed(req.GetInput(), out)
	seen.End(r.Route, err)
	meta.answer()
	res := &collector.DispatchResponse{HandledByCollectorId: r.Route.Executor, Route: r.Route.Route}
	if err != nil {
		res.Status = refusal.FailedStatus(err, r.Route.Route)
		return res
	}
	res.Status, res.Output = refusal.OKStatus(r.Route.Route), out
	return res
}

// Serve is the RPC: it runs a call here, or refuses it.
// The names in the observation are those of the request, which may be short.
func (e *Envelopes) Serve(ctx context.Context, req *collector.ServeRequest) *collector.ServeResponse {
	seen := e.Observer.Observe(observe.Serve, req.GetNamespace(), "/"+req.GetService().GetServiceName()+"/"+req.GetMethodName())
	seen.Caller = call.CallerOf(ctx)
	seen.By(e.Pipeline.Access.OfContext(ctx))
	res, err := e.serveHere(ctx, req)
	seen.Packed(req.GetInput(), res.GetOutput())
	seen.End(e.Pipeline.Views.Now().Route, err)
	return res
}

// ServeHere is Serve without the observation: for calls that came over a link.
// The limit of time is the same.
func (e *Envelopes) ServeHere(ctx context.Context, req *collector.ServeRequest) *collector.ServeResponse {
	res, _ := e.serveHere(ctx, req) // whose error is in the status
	return res
}

// serveHere gives the error beside the response, which has no more of it than callers may know.
func (e *Envelopes) serveHere(ctx context.Context, req *collector.ServeRequest) (*collector.ServeResponse, error) {
	ctx, cancel := e.Timeouts.Bound(ctx, connect.StreamTypeUnary)
	defer cancel()
	meta := newMetadata(ctx, req.GetExecutionContext())
	meta.request.Caller = e.Pipeline.Access.OfContext(ctx)
	self := e.Pipeline.Self
	out, err := e.serve(ctx, req, meta)
	meta.answer()
	if err != nil {
		return &collector.ServeResponse{Status: refusal.FailedStatus(err, []string{self}), ExecutorId: self}, err
	}
	return &collector.ServeResponse{Status: refusal.OKStatus([]string{self}), Output: out, ExecutorId: self}, nil
}
