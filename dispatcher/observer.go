package dispatcher

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/internal/observe"
	"github.com/collectiverpc/collective/mesh"
)

// observation is a call under observation, from its entrance to its verdict. It is told to the recorder once.
type observation struct {
	observer *observer
	call     observe.Call
	caller   string // the address, or the peer, that it came from; empty within this process
}

// observer tells the recorder and the log of calls.
type observer struct {
	self     string
	recorder *observe.Recorder
	log      *slog.Logger
}

// observe begins to observe a call that entered the mesh here.
func (o *observer) observe(entrance observe.Entrance, namespace, procedure string) observation {
	var s observation
	s.begin(o, entrance, namespace, procedure)
	return s
}

func (s *observation) begin(o *observer, entrance observe.Entrance, namespace, procedure string) {
	s.observer = o
	s.call.Entrance, s.call.Namespace, s.call.Procedure = entrance, namespace, procedure
	s.call.Source, s.call.Executor, s.call.Start = o.self, o.self, time.Now()
}

// called notes the full procedure of a call that was asked for by a short name.
func (s *observation) called(procedure string) {
	if procedure != "" {
		s.call.Procedure = procedure
	}
}

// packed notes the message sizes of an envelope.
func (s *observation) packed(in, out *anypb.Any) {
	s.call.RequestBytes, s.call.ResponseBytes = int64(len(in.GetValue())), int64(len(out.GetValue()))
}

// sized notes the message sizes of a unary call.
func (s *observation) sized(info *connect.CallInfo, kind connect.StreamType) {
	if info != nil && kind == connect.StreamTypeUnary {
		s.call.RequestBytes, s.call.ResponseBytes = int64(info.ReceiveStats.Size), int64(info.SendStats.Size)
	}
}

// end tells the recorder how the call went. route is where it went.
func (s *observation) end(route *mesh.Route, err error) {
	s.call.Duration = time.Since(s.call.Start)
	s.call.Executor, s.call.Route = route.Executor, route.Route
	s.call.Code = observe.OK
	if err != nil {
		s.fail(err)
	}
	s.observer.recorder.Record(&s.call)
	s.observer.logged(&s.call, s.caller)
}

// fail notes who failed and why. Where the mesh failed a call on its way, its error knows the way better.
func (s *observation) fail(err error) {
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

// arrivals observes the calls that come over links. The peer is where they entered the mesh.
func (o *observer) arrivals(views *views, next link.Handler) link.Handler {
	return func(ctx context.Context, procedure string, info *connect.CallInfo, stream connect.ServerStream) error {
		server, ok := info.TransportInfo.(*link.ServerInfo)
		if !ok || server.Namespace == "" {
			return next(ctx, procedure, info, stream)
		}
		seen := o.observe(observe.Link, server.Namespace, procedure)
		err := next(ctx, procedure, info, stream)
		seen.call.Source = server.Link.Peer().CollectorID
		seen.caller = seen.call.Source
		seen.sized(info, info.Spec.StreamType)
		seen.end(views.now().Arrival(seen.call.Source), err)
		return err
	}
}
