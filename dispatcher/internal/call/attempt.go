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
func (a *attempt) end(clock endpoint.Clock, outcome endpoint.Outcome) {
	a.routePeer.Load.Add(-1)
	switch {
	case a.endpoint == nil:
	case a.began != 0:
		a.endpoint.End(clock.Now(), a.began, outcome)
	default:
		a.endpoint.Note(clock.Now(), outcome)
	}
}

// outcomeOf is what the failure of an attempt tells of its peer. ctx is that of the call.
func outcomeOf(ctx context.Context, err error) endpoint.Outcome {
	if errors.Is(ctx.Err(), context.Canceled) {
		return endpoint.Abandoned
	}
	if _, ok := errors.AsType[*link.Error](err); ok {
		return endpoint.Failed
	}
	coded, ok := errors.AsType[*connect.Error](err)
	switch {
	case !ok:
		return endpoint.Abandoned
	case coded.Code() == connect.CodeDeadlineExceeded:
		return endpoint.Late
	case !coded.IsRemote():
		return endpoint.Abandoned // it is the call that does not fit
	}
	return verdict(coded)
}

// verdict is what the answer of a peer tells of it. Codes by which handlers judge their input are answers like any other.
func verdict(answer *connect.Error) endpoint.Outcome {
	switch answer.Code() {
	case connect.CodeUnavailable, connect.CodeInternal, connect.CodeUnknown, connect.CodeDataLoss:
		return endpoint.Failed
	}
	return endpoint.Answered
}
