package dispatcher

import (
	"context"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/collectiverpc/collective/dispatcher/internal/header"
	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/internal/observe"
	"github.com/collectiverpc/collective/internal/status"
	"github.com/collectiverpc/collective/mesh"
)

// Serve runs a method on this very collector, or refuses it; it never forwards. Failures are in the Status; the error
// is always nil.
func (d *Dispatcher) Serve(ctx context.Context, req *collector.ServeRequest) (*collector.ServeResponse, error) {
	seen := d.see(observe.Serve, req.GetNamespace(), "/"+req.GetService().GetServiceName()+"/"+req.GetMethodName())
	seen.caller = callerOf(ctx)
	res, err := d.local.Serve(ctx, req)
	seen.packed(req.GetInput(), res.GetOutput())
	seen.end(d.view().Route, status.Err(res.GetStatus()))
	return res, err
}

// Serve is a method of local, which has no way to a peer.
func (l *local) Serve(ctx context.Context, req *collector.ServeRequest) (*collector.ServeResponse, error) {
	ctx, cancel := l.limits.bound(ctx, connect.StreamTypeUnary)
	defer cancel()
	meta := newMetadata(ctx, req.GetExecutionContext())
	out, err := l.serve(ctx, req, meta)
	meta.answer()
	route := []string{l.self}
	if err != nil {
		return &collector.ServeResponse{Status: refusal.FailedStatus(err, route), ExecutorId: l.self}, nil
	}
	return &collector.ServeResponse{Status: refusal.OKStatus(route), Output: out, ExecutorId: l.self}, nil
}

func (l *local) serve(ctx context.Context, req *collector.ServeRequest, meta *metadata) (*anypb.Any, error) {
	if r := checkEnvelope(req); r != nil {
		return nil, r.Err(l.self)
	}
	v := l.alone.now()
	procedure, r := v.Resolve(req.GetNamespace(), req.GetService().GetServiceName(), req.GetMethodName())
	if r != nil {
		return nil, r.Err(l.self)
	}
	d := routing.Route(v, routing.Call{Namespace: req.GetNamespace(), Procedure: procedure}, routing.Balance{})
	if d.Refusal != nil {
		return nil, d.Refusal.Err(l.self)
	}
	return l.execute(ctx, d.Local, req.GetInput(), meta)
}

// execute runs a unary method with the input of an envelope.
func (l *local) execute(ctx context.Context, m *hosted.Method, in *anypb.Any, meta *metadata) (*anypb.Any, error) {
	if r := admit(m, in); r != nil {
		return nil, r.Err(l.self)
	}
	stream := &envelopeStream{method: m, limit: l.limits.MessageBytes - envelopeOverhead, in: in}
	meta.info.Spec = m.Spec
	if err := l.run(ctx, m, &meta.info, stream); err != nil {
		return nil, err
	}
	if stream.out == nil {
		return nil, connect.NewError(connect.CodeInternal, "the handler of "+refusal.Spoken(m.Spec.Procedure)+" returned without an answer")
	}
	return stream.out, nil
}

// envelopeOverhead is room for what a response has beside its output.
const envelopeOverhead = 4 << 10

// admit checks what an envelope brings for a method.
func admit(m *hosted.Method, in *anypb.Any) *refusal.Refusal {
	if r := checkUnary(m.Spec); r != nil {
		return r
	}
	return checkInput(in, m.Input)
}

func checkUnary(spec connect.Spec) *refusal.Refusal {
	if spec.StreamType == connect.StreamTypeUnary {
		return nil
	}
	return refusal.New(connect.CodeUnimplemented, mesh.ReasonNotUnary,
		refusal.Spoken(spec.Procedure)+" is a streaming method; call it with a generated client at its own path")
}

// metadata carries headers between an envelope RPC and the handler it stands for.
type metadata struct {
	outer *connect.CallInfo // of the Serve or Dispatch RPC; nil when they are called as Go methods
	info  connect.CallInfo  // of the handler
}

func newMetadata(ctx context.Context, hints map[string]string) *metadata {
	m := new(metadata)
	if outer, ok := connect.CallInfoForServerContext(ctx); ok {
		m.outer = outer
		m.info.PeerAddr, m.info.Protocol, m.info.TransportInfo = outer.PeerAddr, outer.Protocol, outer.TransportInfo
		header.CopyRequest(m.info.RequestHeader(), outer.RequestHeader(), true, true)
	}
	m.info.Codec = connect.CodecNameProto
	header.CopyHints(m.info.RequestHeader(), hints)
	return m
}

// answer gives the handler's headers and trailers to the RPC.
func (m *metadata) answer() {
	if m.outer == nil {
		return
	}
	header.CopyAnswer(m.outer.ResponseHeader(), m.info.ResponseHeader())
	header.CopyAnswer(m.outer.ResponseTrailer(), m.info.ResponseTrailer())
}
