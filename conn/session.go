package conn

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/carrier"
	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
)

// catalogWait is how long a side waits for the other's catalog after an agreement: the one that was asked before it
// tells its own, the one that asked before ConnectTo returns. In this order ConnectTo can promise that both sides know
// both catalogs.
const catalogWait = 2 * time.Second

// session is a link from its HELLO to its end. Its goroutine (run) is its lifetime.
type session struct {
	source
	m     *Manager
	peer  link.Hello
	link  *link.Link
	byRPC bool          // the link is carried by the Carry RPC
	known chan struct{} // closed when peer and link are set: a call may arrive before

	terms  atomic.Pointer[terms] // nil until the connection is agreed
	agreed chan struct{}         // closed with the first terms
	news   chan struct{}         // asks run to announce our catalog
	told   uint64                // revision of the last catalog announced; run's

	// Guarded by Manager.mu.
	gone     bool
	leaving  bool     // the peer said that it is stopping
	address  string   // where the peer was dialled or claims to be; known with its first agreement
	catalog  *Catalog // taken before there were terms
	revision uint64   // of the last catalog taken
	awaited  uint64   // revision that the peer, having asked, will tell before it is told ours
	owed     bool     // the peer waits for our catalog, since we asked
}

// source is how the stream of a session came about.
type source struct {
	dialed bool   // by this collector
	from   string // the address it was accepted from, for the count of unagreed links
	proven string // the collector that the certificate of the other end names; empty without WithIdentity
}

// terms are what calls on a link are checked against.
type terms struct {
	conn     *connection
	shared   []string // sorted
	consumer bool     // the other end only calls, and its connection is known to nobody else
}

func (t *terms) shares(namespace string) bool {
	_, ok := slices.BinarySearch(t.shared, namespace)
	return ok
}

// newSession greets the other end of a stream. The stream is closed on an error.
func (m *Manager) newSession(ctx context.Context, stream io.ReadWriteCloser, src source) (*session, error) {
	s := &session{
		m: m, source: src, byRPC: carrier.Carried(stream),
		known: make(chan struct{}), agreed: make(chan struct{}),
		news: make(chan struct{}, 1),
	}
	greet := link.Server
	if s.dialed {
		greet = link.Client
	}
	l, err := greet(ctx, stream, link.Config{
		Hello:     link.Hello{CollectorID: m.self.ID, SessionID: m.self.SessionID},
		Handler:   s.serve,
		OnCatalog: s.hear,
		Logger:    m.logger,
		Limits:    m.linkLimits,
	})
	if err != nil {
		return nil, err
	}
	s.link, s.peer = l, l.Peer()
	close(s.known)
	if err := s.checkPeer(); err != nil {
		l.Close(err.Error())
		return nil, err
	}
	if !m.start(s) {
		l.Close("this collector is stopping")
		return nil, errStopping(m.self.ID)
	}
	return s, nil
}

// checkPeer refuses who cannot be the other end of a link. One that dialled under the id of another collector is
// refused when it asks for the connection, since only then it can be told why; before, it may do nothing else.
func (s *session) checkPeer() error {
	err := checkPeerID(s.m.self.ID, s.peer.CollectorID)
	if err == nil && s.dialed {
		err = s.m.checkProof(s.proven, s.peer.CollectorID)
	}
	return err
}

// start registers a session and runs it.
func (m *Manager) start(s *session) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.spawnLocked(s.run) {
		return false
	}
	m.sessions[s] = struct{}{}
	return true
}

// run is the life of a session: it must be agreed soon, tells our catalog whenever that changes, and ends with its
// link.
func (s *session) run() {
	defer s.end()
	if !s.await(s.agreed, agreeTimeout) {
		s.link.Close("no agreement on a connection within " + agreeTimeout.String())
		return
	}
	for {
		select {
		case <-s.news:
			s.awaitTable(s.mayAnnounce)
			s.announce()
		case <-s.link.Done():
			return
		}
	}
}

// mayAnnounce reports whether it is our turn to tell our catalog. m.mu is held.
func (s *session) mayAnnounce() bool {
	if s.owed {
		s.owed = false
		return true
	}
	return s.revision >= s.awaited
}

// awaitTable waits, within catalogWait and the life of the link, until a change of the table makes something true.
func (s *session) awaitTable(holds func() bool) {
	timer := time.NewTimer(catalogWait)
	defer timer.Stop()
	for {
		s.m.mu.Lock()
		changed, ok := s.m.changed, holds()
		s.m.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-timer.C:
			return
		case <-s.link.Done():
			return
		}
	}
}

// await waits for an event of the session's life, and reports whether it came before the time and the link were over.
func (s *session) await(event <-chan struct{}, limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-event:
		return true
	case <-timer.C:
	case <-s.link.Done():
	}
	return false
}

func (s *session) end() {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	s.gone = true
	delete(s.m.sessions, s)
	t := s.terms.Load()
	s.m.release(s.from, t != nil)
	if t != nil {
		s.m.dropLine(t.conn, s, s.lastWords())
	}
}

// lastWords says why the link ended.
func (s *session) lastWords() string {
	err := s.link.Err()
	switch {
	case s.m.closing:
		return s.m.closingWhy
	case errors.Is(err, link.ErrDrained):
		return "the peer went away in good order"
	case errors.Is(err, link.ErrSilent):
		return "the peer stopped answering"
	case errors.Is(err, io.EOF):
		return "the peer closed the link"
	}
	return err.Error()
}

// bind gives the session its terms: from now on calls may come over it. Manager.mu is held.
func (s *session) bind(c *connection, shared []string) {
	s.bindTerms(&terms{conn: c, shared: shared})
}

func (s *session) bindTerms(t *terms) {
	if s.terms.Swap(t) == nil {
		s.m.agreedFrom(s.from)
		close(s.agreed)
	}
}

// settle makes the session the one that carries the calls of a connection; asked tells that this side asked for it.
// Manager.mu is held.
func (s *session) settle(c *connection, shared []string, asked bool) {
	s.bind(c, shared)
	if s.catalog != nil {
		c.hears(s, s.catalog)
		s.catalog = nil
	}
	if asked {
		s.owed = true
	} else {
		s.awaited = s.revision + 1
	}
	s.announceSoon()
}

func (s *session) rival() rival { return rival{dialed: s.dialed, session: s.peer.SessionID} }

func (s *session) carrier() string {
	if s.byRPC {
		return CarrierRPC
	}
	return CarrierUpgrade
}

func (s *session) open(ctx context.Context, call link.Call) (connect.ClientStream, error) {
	return s.link.Open(ctx, call)
}

func (s *session) retire(ctx context.Context) {
	if err := s.link.Drain(ctx); err != nil {
		s.m.logger.Warn("link closed while calls were running on it", "peer", s.peer.CollectorID, "error", err)
	}
}

// dispatcher calls the services of the peer itself.
func (s *session) dispatcher() collectorconnect.CollectiveDispatcherClient {
	return collectorconnect.NewCollectiveDispatcherClient(connect.NewClient(s.link.Transport("")))
}

func (s *session) mesh() meshv1connect.MeshServiceClient {
	return meshv1connect.NewMeshServiceClient(connect.NewClient(s.link.Transport("")))
}
