package call

import (
	"context"
	"errors"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher/internal/endpoint"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
	"github.com/collectiverpc/collective/mesh"
)

// attempt is a call on a candidate.
type attempt struct {
	routePeer *routing.RoutePeer
	endpoint  *endpoint.Endpoint // nil if there was no choice
	began     int64              // of a unary call on an endpoint, by the clock of that
	probe     bool               // it shows whether an endpoint that was ejected serves again
	stream    connect.ClientStream
	bare      connect.ClientStream // stream, without interceptors
}

// begin counts the attempt to its peer, where it is until it ends. Only calls that choose look at the clock, and only of unary
// ones is it known how long they should take.
func (a *attempt) begin(clock endpoint.Clock, kind connect.StreamType) {
	a.routePeer.Load.Add(1)
	if a.endpoint != nil && kind == connect.StreamTypeUnary {
		a.began = clock.Now()
		a.endpoint.Begin(a.began)
	}
}

// end takes the attempt out of the load of its peer, and tells its endpoint how it went.
func (a *attempt) end(clock endpoint.Clock, went result) {
	a.routePeer.Load.Add(-1)
	if a.endpoint == nil {
		return
	}
	now := clock.Now()
	if a.began != 0 {
		went.outcome = a.endpoint.End(now, a.began, went.outcome, went.why)
	} else {
		a.endpoint.Note(now, went.outcome, went.why)
	}
	if a.probe {
		a.endpoint.Proved(now, went.outcome, went.why)
	}
}

// refuse ends an attempt that could not begin.
func (a *attempt) refuse(clock endpoint.Clock, went result) {
	a.routePeer.Load.Add(1)
	a.end(clock, went)
}

// result is what the end of an attempt tells of its peer, with the word for a failure.
type result struct {
	outcome endpoint.Outcome
	why     string
}

var (
	answered  = result{outcome: endpoint.Answered}
	abandoned = result{outcome: endpoint.Abandoned}
)

// resultOf is what the failure of an attempt tells of its peer. ctx is that of the call.
func resultOf(ctx context.Context, err error) result {
	if errors.Is(ctx.Err(), context.Canceled) {
		return abandoned
	}
	if failed, ok := errors.AsType[*link.Error](err); ok {
		return result{endpoint.Failed, failed.Reason}
	}
	coded, ok := errors.AsType[*connect.Error](err)
	switch {
	case !ok:
		return abandoned
	case coded.Code() == connect.CodeDeadlineExceeded:
		return result{endpoint.Late, coded.Code().String()}
	case !coded.IsRemote():
		return abandoned // it is the call that does not fit
	}
	return verdict(coded)
}

// verdict is what the answer of a peer tells of it. A peer without room seems quick. Codes by which handlers judge their input are answers like any other.
func verdict(answer *connect.Error) result {
	switch answer.Code() {
	case connect.CodeResourceExhausted:
		if noRoom(answer) {
			return result{endpoint.Refused, string(mesh.ReasonOverloaded)}
		}
	case connect.CodeUnavailable, connect.CodeInternal, connect.CodeUnknown, connect.CodeDataLoss:
		return result{endpoint.Failed, answer.Code().String()}
	}
	return answered
}

// noRoom reports a peer's word that it had no room for a call, which did not run.
func noRoom(err error) bool { return link.Full(err) || said(err, mesh.ReasonOverloaded) }

// said reports whether a peer refused a call for a reason before it ran.
func said(err error, reason mesh.Reason) bool {
	refused, ok := errors.AsType[*connect.Error](err)
	if !ok || !refused.IsRemote() {
		return false
	}
	failure, ok := refusal.FailureOf(refused)
	return ok && mesh.Reason(failure.GetReason()) == reason && !failure.GetMaybeExecuted()
}

// ran reports whether a call may have run that failed with an error of this kind, which is public. That of a handler says that it
// did, and that of the caller's own time says nothing.
func ran(err error) bool {
	coded, ok := errors.AsType[*connect.Error](err)
	if !ok {
		return true
	}
	failure, ok := refusal.FailureOf(coded)
	return !ok || failure.GetMaybeExecuted()
}
