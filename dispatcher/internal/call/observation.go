package call

import (
	"context"
	"errors"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/internal/observe"
	"github.com/collectiverpc/collective/mesh"
)

// Observation is a call under observation, from its entrance to its verdict. It is told to the recorder once.
// It is a value of its entrance's, used by one goroutine.
type Observation struct {
	observer *Observer
	call     observe.Call
	Caller   string // the address, or the peer, that it came from; empty within this process
}

// Observe begins to observe a call that entered the mesh here.
func (o *Observer) Observe(entrance observe.Entrance, namespace, procedure string) Observation {
	var s Observation
	s.Begin(o, entrance, namespace, procedure)
	return s
}

// Begin is [Observer.Observe] for an observation that lies in memory of the caller's, which saves a copy. The time of the
// call counts from here. It must be zero before.
func (s *Observation) Begin(o *Observer, entrance observe.Entrance, namespace, procedure string) {
	s.observer = o
	s.call.Entrance, s.call.Namespace, s.call.Procedure = entrance, namespace, procedure
	s.call.Source, s.call.Executor, s.call.Start = o.Self, o.Self, time.Now()
}

// Called notes the full procedure of a call that was asked for by a short name.
func (s *Observation) Called(procedure string) {
	if procedure != "" {
		s.call.Procedure = procedure
	}
}

// By notes whose call it is.
func (s *Observation) By(c *access.Caller) { s.call.Principal = c.String() }

// Packed notes the message sizes of an envelope.
func (s *Observation) Packed(in, out *anypb.Any) {
	s.call.RequestBytes, s.call.ResponseBytes = int64(len(in.GetValue())), int64(len(out.GetValue()))
}

// sized notes the message sizes of a unary call.
func (s *Observation) sized(info *connect.CallInfo, kind connect.StreamType) {
	if info != nil && kind == connect.StreamTypeUnary {
		s.call.RequestBytes, s.call.ResponseBytes = int64(info.ReceiveStats.Size), int64(info.SendStats.Size)
	}
}

// End tells the recorder how the call went. route is where it went.
// Nothing may be noted after that.
func (s *Observation) End(route *mesh.Route, err error) {
	s.call.Duration = time.Since(s.call.Start)
	s.call.Executor, s.call.Route = route.Executor, route.Route
	s.call.Code = observe.OK
	if err != nil {
		s.fail(err)
	}
	s.observer.Recorder.Record(&s.call)
	s.observer.logged(&s.call, s.Caller)
}

// fail notes who failed and why. Where the mesh failed a call on its way, its error knows the way better.
func (s *Observation) fail(err error) {
	verdict, ok := errors.AsType[*connect.Error](err)
	if !ok || verdict == nil {
		verdict = refusal.VerdictOf(err)
	}
	s.call.Code, s.call.Message = verdict.Code().String(), verdict.Message()
	failure, ok := refusal.FailureOf(verdict)
	if !ok {
		return
	}
	s.call.Reason = failure.GetReason()
	if refused, ok := errors.AsType[*refusal.Refusal](err); ok && refused.Inside != "" {
		s.call.Message += "; " + refused.Inside
	}
	if visited := failure.GetRoute(); len(visited) > len(s.call.Route) {
		s.call.Route, s.call.Executor = visited, visited[len(visited)-1]
	}
}

// Arrivals observes the calls that come over links. The peer is where they entered the mesh.
// Those without a namespace are of the connection itself and no calls of the mesh.
func (o *Observer) Arrivals(views *Views, next link.Handler) link.Handler {
	return func(ctx context.Context, procedure string, info *connect.CallInfo, stream connect.ServerStream) error {
		server, ok := info.TransportInfo.(*link.ServerInfo)
		if !ok || server.Namespace == "" {
			return next(ctx, procedure, info, stream)
		}
		seen := o.Observe(observe.Link, server.Namespace, procedure)
		if c, refused := o.Access.OfLink(server); refused == nil {
			seen.By(c)
		}
		err := next(ctx, procedure, info, stream)
		seen.call.Source = server.Link.Peer().CollectorID
		seen.Caller = seen.call.Source
		seen.sized(info, info.Spec.StreamType)
		seen.End(views.Now().Arrival(seen.call.Source), err)
		return err
	}
}
