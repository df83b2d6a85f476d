package dispatcher

import (
	"context"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
	"github.com/collectiverpc/collective/gen/collector"
)

// envelopes is the entrance of calls that come in an RPC of the seed: Dispatch runs them where they live, Serve here or nowhere.
type envelopes struct {
	pipeline *pipeline
	limits   Limits
}

// dispatch runs a call where it lives. meta.info and r are filled as far as the call gets.
func (e *envelopes) dispatch(ctx context.Context, req *collector.DispatchRequest, r *request) (*anypb.Any, error) {
	r.Namespace, r.Target = req.GetNamespace(), req.GetTargetCollectorId()
	r.view = e.pipeline.views.until(ctx, func(v *routing.View) *refusal.Refusal {
		r.view = v
		return e.find(r, req)
	})
	return e.run(ctx, r, req)
}

// serve runs a call here or refuses it: the view has no peers.
func (e *envelopes) serve(ctx context.Context, req *collector.ServeRequest, r *request) (*anypb.Any, error) {
	r.Namespace, r.view = req.GetNamespace(), e.pipeline.executor.alone.now()
	return e.run(ctx, r, req)
}

// find finds what an envelope means, and decides it.
func (e *envelopes) find(r *request, req envelope) *refusal.Refusal {
	r.route, r.decision = r.view.Route, routing.Decision{}
	if refused := checkEnvelope(req); refused != nil {
		return refused
	}
	procedure, refused := r.view.Resolve(req.GetNamespace(), req.GetService().GetServiceName(), req.GetMethodName())
	if refused != nil {
		return refused
	}
	r.Procedure = procedure
	e.pipeline.decide(r)
	return r.decision.Refusal
}

func (e *envelopes) run(ctx context.Context, r *request, req envelope) (*anypb.Any, error) {
	refused := e.find(r, req)
	var stream *envelopeStream
	if refused == nil {
		stream, refused = newEnvelopeStream(r, req.GetInput(), e.limits.MessageBytes-envelopeOverhead)
	}
	if refused != nil {
		return nil, refused.Err(e.pipeline.self)
	}
	r.enveloped = true
	r.info.Spec = r.spec
	if err := e.pipeline.run(ctx, r, stream); err != nil {
		return nil, err
	}
	if stream.out == nil {
		return nil, connect.NewError(connect.CodeInternal, "the handler of "+refusal.Spoken(r.Procedure)+" returned without an answer")
	}
	return stream.out, nil
}
