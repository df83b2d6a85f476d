package dispatcher

import (
	"context"
	"errors"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/internal/observe"
)

// sighting is a call under observation, from its entrance to its verdict. It is told to the recorder once.
type sighting struct {
	dispatcher *Dispatcher
	call       observe.Call
	caller     string // the address, or the peer, that it came from; empty within this process
}

// see begins to observe a call that entered the mesh here.
func (d *Dispatcher) see(entrance observe.Entrance, namespace, procedure string) sighting {
	var s sighting
	s.begin(d, entrance, namespace, procedure)
	return s
}

func (s *sighting) begin(d *Dispatcher, entrance observe.Entrance, namespace, procedure string) {
	s.dispatcher = d
	s.call.Entrance, s.call.Namespace, s.call.Procedure = entrance, namespace, procedure
	s.call.Source, s.call.Executor, s.call.Start = d.id, d.id, time.Now()
}

// called notes the full procedure of a call that was asked for by a short name.
func (s *sighting) called(procedure string) {
	if procedure != "" {
		s.call.Procedure = procedure
	}
}

// packed notes the message sizes of an envelope.
func (s *sighting) packed(in, out *anypb.Any) {
	s.call.RequestBytes, s.call.ResponseBytes = int64(len(in.GetValue())), int64(len(out.GetValue()))
}

// sized notes the message sizes of a unary call.
func (s *sighting) sized(info *connect.CallInfo, kind connect.StreamType) {
	if info != nil && kind == connect.StreamTypeUnary {
		s.call.RequestBytes, s.call.ResponseBytes = int64(info.ReceiveStats.Size), int64(info.SendStats.Size)
	}
}

// end tells the recorder how the call went. route is where it went.
func (s *sighting) end(route *RouteInfo, err error) {
	s.call.Duration = time.Since(s.call.Start)
	s.call.Executor, s.call.Route = route.Executor, route.Route
	s.call.Code = observe.OK
	if err != nil {
		s.fail(err)
	}
	s.dispatcher.recorder.Record(&s.call)
	s.dispatcher.logged(&s.call, s.caller)
}

// fail notes who failed and why. Where the mesh failed a call on its way, its error knows the way better.
func (s *sighting) fail(err error) {
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
	if visited := failure.GetRoute(); len(visited) > len(s.call.Route) {
		s.call.Route, s.call.Executor = visited, visited[len(visited)-1]
	}
}

// seeLink observes the calls that come over links. The peer is where they entered the mesh.
func (d *Dispatcher) seeLink(next link.Handler) link.Handler {
	return func(ctx context.Context, procedure string, info *connect.CallInfo, stream connect.ServerStream) error {
		server, ok := info.TransportInfo.(*link.ServerInfo)
		if !ok || server.Namespace == "" {
			return next(ctx, procedure, info, stream)
		}
		seen := d.see(observe.Link, server.Namespace, procedure)
		err := next(ctx, procedure, info, stream)
		seen.call.Source = server.Link.Peer().CollectorID
		seen.caller = seen.call.Source
		seen.sized(info, info.Spec.StreamType)
		seen.end(d.view().Arrival(seen.call.Source), err)
		return err
	}
}
