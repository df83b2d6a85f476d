package conn

import (
	"context"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
)

// serve checks what arrives over a link before anybody else sees it: the manager's own calls are answered here, others
// need an agreed connection that shares their namespace.
func (s *session) serve(ctx context.Context, procedure string, info *connect.CallInfo, stream connect.ServerStream) error {
	namespace := namespaceOf(info)
	if namespace == "" && isControl(procedure) {
		<-s.known
		return s.m.control.Call(context.WithValue(ctx, sessionKey{}, s), procedure, info, stream)
	}
	t, err := s.agreedTerms(ctx)
	if err != nil {
		return err
	}
	if namespace != "" && !t.shares(namespace) {
		return connect.Errorf(connect.CodePermissionDenied, "namespace %q is not shared on this connection", namespace)
	}
	if info.Spec.StreamType == connect.StreamTypeUnary {
		defer func() { t.conn.wire.tally.add(int64(info.SendStats.Size), int64(info.ReceiveStats.Size)) }()
		return t.handler(&s.m.options)(ctx, procedure, info, stream)
	}
	counted := &countedStream{ServerStream: stream, info: info}
	defer func() { t.conn.wire.tally.add(counted.sent, counted.received) }()
	return t.handler(&s.m.options)(ctx, procedure, info, counted)
}

// agreedTerms returns the terms of the link. The acceptor may call as soon as it has agreed, while the initiator is
// still writing the agreement down: such a call waits. Nobody else may call before the agreement.
func (s *session) agreedTerms(ctx context.Context) (*terms, error) {
	if t := s.terms.Load(); t != nil {
		return t, nil
	}
	if s.dialed {
		select {
		case <-s.agreed:
			return s.terms.Load(), nil
		case <-ctx.Done():
		}
	}
	return nil, connect.NewError(connect.CodeFailedPrecondition,
		"the link has no connection yet: call collector.CollectiveDispatcher/Connect on it first")
}

func namespaceOf(info *connect.CallInfo) string {
	if arrived, ok := info.TransportInfo.(*link.ServerInfo); ok {
		return arrived.Namespace
	}
	return ""
}

// isControl reports whether a call is for the manager: agreeing on the connection, and ending it.
func isControl(procedure string) bool {
	return procedure == collectorconnect.CollectiveDispatcherConnectProcedure ||
		procedure == meshv1connect.MeshServiceDisconnectProcedure
}

func refuseCall(_ context.Context, procedure string, _ *connect.CallInfo, _ connect.ServerStream) error {
	return connect.Errorf(connect.CodeUnimplemented, "this collector serves nothing over links, %s included", procedure)
}

// countedStream adds up the message bytes of a call with more than one message. It is not recycled: a handler that keeps its stream
// by mistake must not reach the stream of another call.
type countedStream struct {
	connect.ServerStream
	info           *connect.CallInfo
	sent, received int64
}

func (s *countedStream) Send(msg any) error {
	err := s.ServerStream.Send(msg)
	if err == nil {
		s.sent += int64(s.info.SendStats.Size)
	}
	return err
}

func (s *countedStream) Receive(msg any) error {
	err := s.ServerStream.Receive(msg)
	if err == nil {
		s.received += int64(s.info.ReceiveStats.Size)
	}
	return err
}

// StopReceiving makes the stream a [link.ReceiveStopper], as the one below is.
func (s *countedStream) StopReceiving() {
	if below, ok := s.ServerStream.(link.ReceiveStopper); ok {
		below.StopReceiving()
	}
}
