package dispatcher

import (
	"cmp"
	"context"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
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
	v := d.viewFor(ctx, func(v *view) *refusal.Refusal {
		decided, _, r := v.decide(req, d.balance())
		return cmp.Or(r, decided.refusal)
	})
	decided, procedure, r := v.decide(req, d.balance())
	if r == nil {
		r = decided.refusal
	}
	if r != nil {
		return answer{err: r.Err(d.id), route: v.route}
	}
	if decided.local != nil {
		out, err := d.local.execute(ctx, decided.local, req.GetInput(), meta)
		return answer{out: out, err: err, route: v.route}
	}
	if r := decided.entry.admits(req.GetInput()); r != nil {
		return answer{err: r.Err(d.id), route: v.route}
	}
	return d.dispatchToPeers(ctx, v, decided, procedure, req, meta)
}

// decide routes an envelope.
func (v *view) decide(req *collector.DispatchRequest, b balance) (decision, string, *refusal.Refusal) {
	if r := checkEnvelope(req); r != nil {
		return decision{}, "", r
	}
	procedure, r := v.resolve(req.GetNamespace(), req.GetService().GetServiceName(), req.GetMethodName())
	if r != nil {
		return decision{}, "", r
	}
	return route(v, call{namespace: req.GetNamespace(), procedure: procedure, target: req.GetTargetCollectorId()}, b), procedure, nil
}

// admits checks an input for a method of a peer, as far as its catalog tells. A nil entry is a method that only a seed
// peer may know.
func (e *entry) admits(in *anypb.Any) *refusal.Refusal {
	if e == nil {
		return nil
	}
	if r := checkUnary(connect.Spec{StreamType: e.stream, Procedure: e.procedure}); r != nil {
		return r
	}
	return checkInput(in, e.input)
}

func (d *Dispatcher) dispatchToPeers(
	ctx context.Context, v *view, decided decision, procedure string, req *collector.DispatchRequest, meta *metadata,
) answer {
	input, output, spec := decided.wire(procedure)
	meta.info.Spec = spec
	data, r := inputBytes(req.GetInput(), input)
	if r != nil {
		return answer{err: r.Err(d.id), route: v.route}
	}
	ctx, info := connect.NewClientContext(ctx)
	out, err := d.newOutbound(ctx, info, decided, link.Call{Namespace: req.GetNamespace(), Spec: spec}, meta.info.RequestHeader())
	if err != nil {
		return answer{err: err, route: v.route}
	}
	defer out.recycle()
	raw := &link.Raw{Data: data}
	err = out.exchange(raw)
	passAnswer(meta.info.ResponseHeader(), info.ResponseHeader())
	passAnswer(meta.info.ResponseTrailer(), info.ResponseTrailer())
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
func (d *decision) wire(procedure string) (input, output string, spec connect.Spec) {
	if d.seed || d.entry == nil {
		return hosted.AnyType, hosted.AnyType, connect.Spec{Procedure: procedure}
	}
	e := d.entry
	return e.input, e.output, connect.Spec{StreamType: e.stream, IdempotencyLevel: e.idempotency, Procedure: procedure}
}
