package call

import (
	"context"
	"errors"
	"fmt"
	"math"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher/internal/admission"
	"github.com/collectiverpc/collective/dispatcher/internal/authz"
	"github.com/collectiverpc/collective/dispatcher/internal/endpoint"
	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	"github.com/collectiverpc/collective/dispatcher/internal/inprocess"
	"github.com/collectiverpc/collective/dispatcher/internal/recovery"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/mesh"
)

// Executor runs the methods of this collector. It has no way to a peer: whatever is handed an executor and nothing else can
// run a call here or refuse it, so that no call makes a second hop.
type Executor struct {
	self     string
	message  int // bytes of the largest message
	recovery *recovery.Recovery
	methods  *hosted.Set
	// validate is asked before a call runs.
	validate  func(context.Context, *hosted.Method) *refusal.Refusal
	access    *authz.Authorizer
	admission admission.Policy
	Alone     Views // of what is registered here, without any peer, for Serve
}

// NewExecutor makes an executor of the methods of the collector self, in its namespaces. message is the largest answer in
// bytes, and calls how many of a unary method run at once, see [admission.Policy]. validate is asked before each call and must not
// be nil; it is called from many goroutines. access decides what peers bring. Alone is ready to use and follows methods.
func NewExecutor(self string, namespaces []string, message, calls int, recovery *recovery.Recovery, methods *hosted.Set,
	validate func(context.Context, *hosted.Method) *refusal.Refusal, access *authz.Authorizer) *Executor {
	e := &Executor{self: self, message: message, recovery: recovery, methods: methods, validate: validate, access: access}
	e.admission = admission.Policy{Calls: int32(min(calls, math.MaxInt32)), Clock: endpoint.NewClock()} //nolint:gosec // bounded
	table := conn.NewTable()
	e.Alone.Self, e.Alone.Namespaces, e.Alone.Tracker = self, namespaces, endpoint.NewTracker(nil)
	e.Alone.Sources = func() Sources { return Sources{Local: methods.Snapshot(), Table: table} }
	return e
}

// run runs a method for a caller, who may call it. A call whose time is over is not started.
// The validation comes before the interceptors: what they count are calls that could run.
func (e *Executor) run(ctx context.Context, caller *access.Caller, m *hosted.Method, info *connect.CallInfo, stream connect.ServerStream) error {
	if err := ctx.Err(); err != nil {
		return refusal.TimeOver(err, false).Err(e.self)
	}
	if r := e.validate(ctx, m); r != nil {
		return r.Err(e.self)
	}
	h := &handling{Context: ctx, caller: caller, stream: guardedStream{ServerStream: opened(e.methods, m, info, stream), limit: e.message}}
	if m.Spec.StreamType != connect.StreamTypeUnary {
		return m.Call(h, info, &h.stream)
	}
	return e.admit(h, m, info)
}

// admit runs a unary method, if its gate lets the call in. Streams have none: they live for as long as their callers want, so
// neither their number nor the time that they take says that the collector is overloaded.
func (e *Executor) admit(h *handling, m *hosted.Method, info *connect.CallInfo) error {
	pass, admitted := m.Gate.Enter(h.Context, &e.admission)
	if !admitted {
		return e.full(h, m)
	}
	answered := false
	defer func() { m.Gate.Leave(&e.admission, h.stream.pass, answered) }()
	h.stream.pass, h.stream.admission = pass, &e.admission
	err := m.Call(h, info, &h.stream)
	answered = err == nil
	return err
}

// full refuses a call that found no place. It takes the request, as handlers do, but decodes nothing: over HTTP/2 the stream of a
// request that is answered before it is there is reset.
func (e *Executor) full(h *handling, m *hosted.Method) error {
	_ = h.stream.ServerStream.Receive(new(link.Raw))
	if err := h.Err(); err != nil {
		return refusal.TimeOver(err, false).Err(e.self)
	}
	return refusal.NoRoom(e.self, fmt.Sprintf(": %d of %s run there, and more would be late", m.Gate.State().Running,
		refusal.Spoken(m.Spec.Procedure))).Err(e.self)
}

// RunInProcess runs a method for a caller in this process, see [inprocess.Runner].
// A panic of the handler becomes an error here, since nothing of a server is around it that would rescue it.
func (e *Executor) RunInProcess(
	caller context.Context, m *hosted.Method, info *connect.CallInfo, stream connect.ServerStream,
) (err error) {
	defer e.recovery.Rescue(caller, m.Spec.Procedure, &err)
	return e.run(inprocess.Detached(caller), e.access.Process(), m, info, stream)
}

// handling is a call under way in a handler: its context, which knows the caller, and its stream, in one value of memory.
type handling struct {
	context.Context
	caller *access.Caller
	stream guardedStream
}

// Value has the caller, for access.CallerFromContext.
func (h *handling) Value(key any) any {
	if key == access.ContextKey {
		return h.caller
	}
	return h.Context.Value(key)
}

// AfterFunc lets contexts derived from this one follow the parent without a goroutine each.
func (h *handling) AfterFunc(f func()) func() bool { return context.AfterFunc(h.Context, f) }

// guardedStream is what a handler here gets. It marks the refusal of a request message that does not decode as the
// mesh's own: it passes through the handler and would look like its verdict. And it refuses an answer that would be too
// large for a link, so that a method does not work here and fail when it is called from elsewhere; compression on the
// way to the client does not help it.
type guardedStream struct {
	connect.ServerStream
	limit     int
	pass      admission.Pass
	admission *admission.Policy // nil for a stream
}

// Send refuses before anything is encoded. The handler has run by then, so the refusal says so: nobody repeats the call.
func (s *guardedStream) Send(msg any) error {
	if message, ok := msg.(proto.Message); ok {
		if size := proto.Size(message); size > s.limit {
			r := refusal.New(connect.CodeResourceExhausted, mesh.ReasonTooLarge,
				fmt.Sprintf("the answer has %d bytes, at most %d are sent; use a streaming method", size, s.limit))
			r.MaybeExecuted = true
			return r.Err()
		}
	}
	return s.ServerStream.Send(msg)
}

// Receive knows the failure to decode by a code of connect's own that has no details; a handler's error never comes by here.
func (s *guardedStream) Receive(msg any) error {
	err := s.ServerStream.Receive(msg)
	if err == nil {
		s.pass.Arrived(s.admission)
		return nil
	}
	if own, ok := errors.AsType[*connect.Error](err); ok && own.Code() == connect.CodeInvalidArgument && len(own.Details()) == 0 {
		r := refusal.New(own.Code(), mesh.ReasonInputMalformed, own.Message())
		r.Cause = err
		return r.Err()
	}
	return err
}

// ServeLink is the [link.Handler] of a collector: it runs what is registered here. It takes also the agreement on the
// connection itself, which comes in no namespace.
// Who may call is decided here once more, by who the peer says calls if it is to be believed, before anything is decoded.
// It never routes on: a peer that asks for what is not here any more is told so, and tries another by itself.
func (e *Executor) ServeLink(system *connect.Server) link.Handler {
	return func(ctx context.Context, procedure string, info *connect.CallInfo, stream connect.ServerStream) error {
		over, ok := info.TransportInfo.(*link.ServerInfo)
		if !ok || over.Namespace == "" {
			return system.Call(ctx, procedure, info, stream)
		}
		namespace := over.Namespace
		caller, refused := e.access.OfLink(over)
		if refused == nil {
			refused = e.access.Call(ctx, caller, namespace, procedure)
		}
		if refused != nil {
			return refused.Err(e.self)
		}
		m, ok := e.methods.Lookup(namespace, procedure)
		if !ok {
			return refusal.New(connect.CodeUnimplemented, mesh.ReasonMethodUnknown,
				"collector "+refusal.Quoted(e.self)+" does not serve "+refusal.Spoken(procedure)+" in namespace "+refusal.Quoted(namespace)).Err(e.self)
		}
		return e.run(ctx, caller, m, info, stream)
	}
}
