package conn

import (
	"context"
	"io"
	"log/slog"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/carrier"
	"github.com/collectiverpc/collective/conn/internal/expiry"
	"github.com/collectiverpc/collective/conn/internal/identity"
	"github.com/collectiverpc/collective/conn/internal/introduction"
	"github.com/collectiverpc/collective/conn/internal/lifetime"
	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
)

// links brings links up and looks after each until its end.
type links struct {
	self     Self
	set      *linkSet
	catalogs *catalogs
	life     *lifetime.Lifetime
	proof    identity.Prover
	claims   *claims
	limits   link.Limits
	logger   *slog.Logger
	control  *connect.Server // what peers may ask of the manager itself
	ended    func(l *peerLink)
	renew    func(l *peerLink) // makes another link in the place of this one, in the background
	expired  func(l *peerLink) // ends it, in the background
}

// welcome greets the other end of an accepted stream, in the background, unless this collector is stopping.
func (s *links) welcome(stream io.ReadWriteCloser, o origin) {
	begun := s.life.Spawn(func(ctx context.Context) {
		if _, err := s.greet(ctx, stream, o); err != nil {
			s.logger.Info("link refused", "from", o.from, "error", err)
		}
	})
	if !begun {
		stream.Close()
		o.slot.release()
	}
}

// greet makes a link of a stream, and gives its slot back when it ends. The other end of an accepted one has two seconds
// for its HELLO. On an error the stream is closed and the slot free.
func (s *links) greet(ctx context.Context, stream io.ReadWriteCloser, o origin) (*peerLink, error) {
	l := &peerLink{
		origin: o, logger: s.logger, byRPC: carrier.Carried(stream),
		known: make(chan struct{}), agreed: make(chan struct{}),
		news: make(chan struct{}, 1),
	}
	if err := s.open(ctx, stream, l); err != nil {
		o.slot.release()
		return nil, err
	}
	return l, nil
}

func (s *links) open(ctx context.Context, stream io.ReadWriteCloser, l *peerLink) (err error) {
	greet := link.Server
	if l.dialed {
		greet = link.Client
	}
	l.link, err = greet(ctx, stream, link.Config{
		Hello: link.Hello{CollectorID: s.self.ID, SessionID: s.self.SessionID},
		Handler: func(ctx context.Context, procedure string, info *connect.CallInfo, stream connect.ServerStream) error {
			return s.serve(ctx, l, procedure, info, stream)
		},
		OnCatalog: func(_ *link.Link, revision uint64, data []byte) {
			<-l.known
			s.catalogs.arrived(l, revision, data)
		},
		OnTaken:  func(_ *link.Link, revision uint64, holds bool) { l.tookCatalog(revision, holds) },
		Logger:   s.logger,
		Limits:   s.limits,
		Proof:    s.claims.terms(l),
		Unagreed: !l.dialed, // who dialled may have proved to be anybody
	})
	if err != nil {
		return err
	}
	l.peer = l.link.Peer()
	close(l.known)
	if err := s.checkPeer(l); err != nil {
		l.link.Close(err.Error())
		return err
	}
	if !s.set.add(l, func() bool { return s.life.Spawn(func(context.Context) { s.run(l) }) }) {
		l.link.Close("this collector is stopping")
		return s.life.Stopping()
	}
	return nil
}

// checkPeer refuses who cannot be the other end of a link. One that dialled under the id of another collector is
// refused when it asks for the connection, since only then it can be told why; before, it may do nothing else.
func (s *links) checkPeer(l *peerLink) error {
	err := introduction.CheckPeerID(s.self.ID, l.peer.CollectorID)
	if err == nil && l.dialed {
		err = s.proof.CheckProof(l.proven, l.peer.CollectorID)
	}
	return err
}

// run is the life of a link: it must be agreed soon, tells our catalog whenever that changes, and ends with its stream.
func (s *links) run(l *peerLink) {
	defer s.end(l)
	if !l.agreesWithin(agreeTimeout) {
		l.link.Close("no agreement on a connection within " + agreeTimeout.String())
		return
	}
	w := expiry.Begin(time.Now(), l.way.Expires, l.dialed)
	timer := time.NewTimer(w.Wait(time.Now()))
	defer timer.Stop()
	for {
		select {
		case <-l.news:
			s.catalogs.tellPeer(l)
		case <-timer.C:
			s.watchExpiry(l, w)
			timer.Reset(w.Wait(time.Now()))
		case <-l.link.Done():
			return
		}
	}
}

// watchExpiry makes another link when the certificates of this one expire soon, and ends it when they have.
func (s *links) watchExpiry(l *peerLink, w *expiry.Watch) {
	switch now := time.Now(); {
	case w.Expired(now):
		s.expired(l)
		<-l.link.Done()
	case w.Renew(now):
		s.renew(l)
	}
}

func (s *links) end(l *peerLink) {
	s.set.remove(l)
	l.slot.release()
	s.ended(l)
}

// byKind are all links, those of consumers apart.
func (s *links) byKind() (consumers, others []*peerLink) {
	for _, l := range s.set.list() {
		if t := l.terms.Load(); t != nil && t.consumer {
			consumers = append(consumers, l)
		} else {
			others = append(others, l)
		}
	}
	return consumers, others
}

// closeAll cuts all links.
func (s *links) closeAll(why string) {
	for _, l := range s.set.list() {
		l.link.Close("collector " + s.self.ID + ": " + why)
	}
}

// serve checks what arrives over a link before anybody else sees it: the manager's own calls are answered here, others
// need an agreed connection that shares their namespace.
func (s *links) serve(ctx context.Context, l *peerLink, procedure string, info *connect.CallInfo, stream connect.ServerStream) error {
	namespace := link.NamespaceOf(info)
	if namespace == "" && isControl(procedure) {
		<-l.known
		return s.control.Call(withLink(ctx, l), procedure, info, stream)
	}
	t, err := l.agreedTerms(ctx)
	if err != nil {
		return err
	}
	if namespace != "" && !t.shares(namespace) {
		return connect.Errorf(connect.CodePermissionDenied, "namespace %q is not shared on this connection", namespace)
	}
	if info.Spec.StreamType == connect.StreamTypeUnary {
		defer func() { t.tally.add(int64(info.SendStats.Size), int64(info.ReceiveStats.Size)) }()
		return t.handler(ctx, procedure, info, stream)
	}
	counted := &countedStream{ServerStream: stream, info: info}
	defer func() { t.tally.add(counted.sent, counted.received) }()
	return t.handler(ctx, procedure, info, counted)
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

// isControl reports whether a call is for the manager: agreeing on the connection, and ending it.
func isControl(procedure string) bool {
	return procedure == collectorconnect.CollectiveDispatcherConnectProcedure ||
		procedure == meshv1connect.MeshServiceDisconnectProcedure || procedure == meshv1connect.MeshServiceReportConflictProcedure
}

// control is what peers may ask of the manager itself, over a link.
type control struct {
	collectorconnect.UnimplementedCollectiveDispatcherHandler
	meshv1connect.UnimplementedMeshServiceHandler
	connect func(ctx context.Context, req *collector.ConnectRequest) (*collector.ConnectResponse, error)
	goodbye func(ctx context.Context, req *meshv1.DisconnectRequest) (*meshv1.DisconnectResponse, error)
	told    func(peer, conflict string)
}

func (c control) server() *connect.Server {
	server := connect.NewServer()
	collectorconnect.RegisterCollectiveDispatcherHandler(server, c)
	meshv1connect.RegisterMeshServiceHandler(server, c)
	return server
}

func (c control) Connect(ctx context.Context, req *collector.ConnectRequest) (*collector.ConnectResponse, error) {
	return c.connect(ctx, req)
}

func (c control) Disconnect(ctx context.Context, req *meshv1.DisconnectRequest) (*meshv1.DisconnectResponse, error) {
	return c.goodbye(ctx, req)
}

// ReportConflict takes what the peer of an agreed link says of another process under this collector's id. The peer may know of the
// agreement before this end has written it down.
func (c control) ReportConflict(ctx context.Context, req *meshv1.ReportConflictRequest) (*meshv1.ReportConflictResponse, error) {
	l := linkOf(ctx)
	if l == nil {
		return nil, errNoConflict
	}
	if t, err := l.agreedTerms(ctx); err != nil || t.consumer {
		return nil, errNoConflict
	}
	c.told(l.peer.CollectorID, l.peer.CollectorID+" says: "+printable(req.GetConflict(), 1000))
	return new(meshv1.ReportConflictResponse), nil
}

var errNoConflict = connect.NewError(connect.CodePermissionDenied, "only a peer can tell of a conflict")
