package dispatcher

import (
	"context"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/collectiverpc/collective/dispatcher/internal/call"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
	"github.com/collectiverpc/collective/gen/collector"
)

// envelopes is the entrance of calls that come in an RPC of the seed: Dispatch runs them where they live, Serve here or nowhere.
type envelopes struct {
	pipeline *call.Pipeline
	timeouts call.Timeouts
	message  int // bytes of the largest message
}

// dispatch runs a call where it lives. meta.info and r are filled as far as the call gets.
func (e *envelopes) dispatch(ctx context.Context, req *collector.DispatchRequest, r *call.Request) (*anypb.Any, error) {
	r.Namespace, r.Target = req.GetNamespace(), req.GetTargetCollectorId()
	r.View = e.pipeline.Views.Until(ctx, func(v *routing.View) *refusal.Refusal {
		r.View = v
		return e.find(r, req)
	})
	return e.run(ctx, r, req)
}

// serve runs a call here or refuses it: the view has no peers.
func (e *envelopes) serve(ctx context.Context, req *collector.ServeRequest, r *call.Request) (*anypb.Any, error) {
	r.Namespace, r.View = req.GetNamespace(), e.pipeline.Executor.Alone.Now()
	return e.run(ctx, r, req)
}

// find finds what an envelope means, and decides it.
func (e *envelopes) find(r *call.Request, req envelope) *refusal.Refusal {
	r.Route, r.Decision = r.View.Route, routing.Decision{}
	if refused := checkEnvelope(req); refused != nil {
		return refused
	}
	procedure, refused := r.View.Resolve(req.GetNamespace(), req.GetService().GetServiceName(), req.GetMethodName())
	if refused != nil {
		return refused
	}
	r.Procedure = procedure
	e.pipeline.Decide(r)
	return r.Decision.Refusal
}

func (e *envelopes) run(ctx context.Context, r *call.Request, req envelope) (*anypb.Any, error) {
	refused := e.find(r, req)
	var stream *envelopeStream
	if refused == nil {
		stream, refused = newEnvelopeStream(r, req.GetInput(), e.message-envelopeOverhead)
	}
	if refused != nil {
		return nil, refused.Err(e.pipeline.Self)
	}
	r.Enveloped = true
	r.Info.Spec = r.Spec
	if err := e.pipeline.Run(ctx, r, stream); err != nil {
		return nil, err
	}
	if stream.out == nil {
		return nil, connect.NewError(connect.CodeInternal, "the handler of "+refusal.Spoken(r.Procedure)+" returned without an answer")
	}
	return stream.out, nil
}
