package dispatcher

import (
	"cmp"
	"context"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher/internal/header"
	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
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
	seen := d.see(observe.Dispatch, req.GetNamespace(), "/"+req.GetService().GetServiceName()+"/"+req.GetMethodName())
	seen.caller = callerOf(ctx)
	answer := d.dispatch(ctx, req, meta)
	seen.called(meta.info.Spec.Procedure)
	seen.packed(req.GetInput(), answer.out)
	seen.end(answer.route, answer.err)
	meta.answer()
	res := &collector.DispatchResponse{HandledByCollectorId: answer.route.Executor, Route: answer.route.Route}
	if answer.err != nil {
		res.Status = refusal.FailedStatus(answer.err, answer.route.Route)
		return res, nil
	}
	res.Status, res.Output = refusal.OKStatus(answer.route.Route), answer.out
	return res, nil
}

// answer is what became of a dispatched call.
type answer struct {
	out   *anypb.Any
	err   error
	route *RouteInfo
}

func (d *Dispatcher) dispatch(ctx context.Context, req *collector.DispatchRequest, meta *metadata) answer {
	v := d.viewFor(ctx, func(v *routing.View) *refusal.Refusal {
		decided, _, r := decide(v, req, d.balance())
		return cmp.Or(r, decided.Refusal)
	})
	decided, procedure, r := decide(v, req, d.balance())
	if r == nil {
		r = decided.Refusal
	}
	if r != nil {
		return answer{err: r.Err(d.id), route: v.Route}
	}
	if decided.Local != nil {
		out, err := d.local.execute(ctx, decided.Local, req.GetInput(), meta)
		return answer{out: out, err: err, route: v.Route}
	}
	if r := admits(decided.Entry, req.GetInput()); r != nil {
		return answer{err: r.Err(d.id), route: v.Route}
	}
	return d.dispatchToPeers(ctx, v, decided, procedure, req, meta)
}

// decide routes an envelope.
func decide(v *routing.View, req *collector.DispatchRequest, b routing.Balance) (routing.Decision, string, *refusal.Refusal) {
	if r := checkEnvelope(req); r != nil {
		return routing.Decision{}, "", r
	}
	procedure, r := v.Resolve(req.GetNamespace(), req.GetService().GetServiceName(), req.GetMethodName())
	if r != nil {
		return routing.Decision{}, "", r
	}
	return routing.Route(v, routing.Call{Namespace: req.GetNamespace(), Procedure: procedure, Target: req.GetTargetCollectorId()}, b), procedure, nil
}

// admits checks an input for a method of a peer, as far as its catalog tells. A nil entry is a method that only a seed
// peer may know.
func admits(e *routing.Entry, in *anypb.Any) *refusal.Refusal {
	if e == nil {
		return nil
	}
	if r := checkUnary(connect.Spec{StreamType: e.Stream, Procedure: e.Procedure}); r != nil {
		return r
	}
	return checkInput(in, e.Input)
}

func (d *Dispatcher) dispatchToPeers(
	ctx context.Context, v *routing.View, decided routing.Decision, procedure string, req *collector.DispatchRequest, meta *metadata,
) answer {
	input, output, spec := wire(&decided, procedure)
	meta.info.Spec = spec
	data, r := inputBytes(req.GetInput(), input)
	if r != nil {
		return answer{err: r.Err(d.id), route: v.Route}
	}
	ctx, info := connect.NewClientContext(ctx)
	out, err := d.newOutbound(ctx, info, decided, link.Call{Namespace: req.GetNamespace(), Spec: spec}, meta.info.RequestHeader())
	if err != nil {
		return answer{err: err, route: v.Route}
	}
	defer out.recycle()
	raw := &link.Raw{Data: data}
	err = out.exchange(raw)
	header.CopyAnswer(meta.info.ResponseHeader(), info.ResponseHeader())
	header.CopyAnswer(meta.info.ResponseTrailer(), info.ResponseTrailer())
	if err != nil {
		return answer{err: status.Reauthor(err), route: out.route()}
	}
	packed, err := outputAny(raw.Data, output)
	if err != nil {
		err = connect.NewError(connect.CodeInternal, "the answer of "+refusal.Quoted(out.route().Executor)+" does not decode").WithCause(err)
	}
	return answer{out: packed, err: err, route: out.route()}
}

// wire is how an envelope's call looks on the way to a peer. To a seed peer the input goes as the Any that it came as.
func wire(d *routing.Decision, procedure string) (input, output string, spec connect.Spec) {
	if d.Seed || d.Entry == nil {
		return hosted.AnyType, hosted.AnyType, connect.Spec{Procedure: procedure}
	}
	e := d.Entry
	return e.Input, e.Output, connect.Spec{StreamType: e.Stream, IdempotencyLevel: e.Idempotency, Procedure: procedure}
}
