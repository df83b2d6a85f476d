package call

import (
	"context"
	"errors"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher/internal/endpoint"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
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

// verdict is what the answer of a peer tells of it. Codes by which handlers judge their input are answers like any other.
func verdict(answer *connect.Error) result {
	switch answer.Code() {
	case connect.CodeUnavailable, connect.CodeInternal, connect.CodeUnknown, connect.CodeDataLoss:
		return result{endpoint.Failed, answer.Code().String()}
	}
	return answered
}
