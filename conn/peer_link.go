package conn

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/internal/catalog"
	"github.com/collectiverpc/collective/conn/internal/expiry"
	"github.com/collectiverpc/collective/conn/internal/namesake"
	"github.com/collectiverpc/collective/conn/internal/pace"
	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
)

const (
	// goodbyeTimeout bounds how long Disconnect tries to tell the peer.
	goodbyeTimeout = 2 * time.Second
	// namesakeTimeout is how long a process whose link was replaced has to show that it still runs.
	namesakeTimeout = time.Second
)

// peerLink is a link to a peer, from its HELLO to its end. It knows no connection: what calls on it are checked against
// are its terms.
type peerLink struct {
	origin
	proof  Proof // set while it greets
	peer   link.Hello
	link   *link.Link
	logger *slog.Logger
	byRPC  bool          // the link is carried by the Carry RPC
	known  chan struct{} // closed when peer and link are set: a call may arrive before

	terms  atomic.Pointer[terms] // nil until the connection is agreed
	agreed chan struct{}         // closed with the first terms
	news   chan struct{}         // asks the goroutine of the link to announce our catalog
	teller catalog.Teller

	// What the peer told last over this link, and by which revision; 0 for what is not held.
	taking sync.Mutex // held while it is read what comes next
	holds  *catalog.Set
	base   uint64

	// Guarded by the state lock.
	gone       bool
	agreements uint64        // how many there were
	leaving    bool          // the peer said that it is stopping
	address    string        // where the peer was dialled or claims to be; known with its first agreement
	early      *catalog.Told // taken before there were terms
	announced  pace.Bucket   // of a peer without a connection yet
	revision   uint64        // of the last catalog taken
	awaited    uint64        // revision that the peer, having asked, will tell before it is told ours
	owed       bool          // the peer waits for our catalog, since we asked
}

// terms are what calls on a link are checked against.
type terms struct {
	connectionID string
	tally        *tally
	shared       []string // sorted
	agreement    uint64   // grows with each on the link
	handler      link.Handler
	consumer     bool // the other end only calls, and its connection is known to nobody else
}

func (t *terms) shares(namespace string) bool {
	_, ok := slices.BinarySearch(t.shared, namespace)
	return ok
}

// bind gives the link its terms: from now on calls may come over it, and it may hold as much as any link. The state lock is held.
func (l *peerLink) bind(t *terms) {
	l.agreements++
	t.agreement = l.agreements
	if l.terms.Swap(t) == nil {
		l.slot.agree()
		l.link.Agree()
		close(l.agreed)
	}
}

// agreedTerms returns the terms of the link. The acceptor may call as soon as it has agreed, while the initiator is
// still writing the agreement down: such a call waits. Nobody else may call before the agreement.
func (l *peerLink) agreedTerms(ctx context.Context) (*terms, error) {
	if t := l.terms.Load(); t != nil {
		return t, nil
	}
	if l.dialed {
		select {
		case <-l.agreed:
			return l.terms.Load(), nil
		case <-ctx.Done():
		}
	}
	return nil, connect.NewError(connect.CodeFailedPrecondition,
		"the link has no connection yet: call collector.CollectiveDispatcher/Connect on it first")
}

// agreesWithin reports whether the link gets terms before a time and the link are over.
func (l *peerLink) agreesWithin(limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-l.agreed:
		return true
	case <-timer.C:
	case <-l.link.Done():
	}
	return false
}

// announceSoon asks the goroutine of the link to tell the peer our catalog as it is then.
func (l *peerLink) announceSoon() {
	select {
	case l.news <- struct{}{}:
	default: // it has been asked and has not looked yet
	}
}

// tookCatalog notes what the peer is done with: there may be news since.
func (l *peerLink) tookCatalog(revision uint64, holds bool) {
	l.teller.Taken(revision, holds)
	l.announceSoon()
}

// mayAnnounce reports whether it is our turn to tell our catalog. The state lock is held.
func (l *peerLink) mayAnnounce() bool {
	if l.owed {
		l.owed = false
		return true
	}
	return l.revision >= l.awaited
}

// expired reports whether a certificate of the link has expired.
func (l *peerLink) expired() bool { return expiry.Over(time.Now(), l.way.Expires) }

func (l *peerLink) expiredWords() string {
	return "a certificate expired at " + l.way.Expires.UTC().Format(time.RFC3339) + " and there is no link with a newer one: renew it, " +
		"and see that the clocks of both sides are right"
}

// lastWords says why the link ended.
func (l *peerLink) lastWords() string {
	err := l.link.Err()
	switch {
	case l.expired(): // both sides watch, and this one may have heard of it before it saw it
		return l.expiredWords()
	case errors.Is(err, link.ErrDrained):
		return "the peer went away in good order"
	case errors.Is(err, link.ErrSilent):
		return "the peer stopped answering"
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET): // a reset where we had written what it did not read
		return "the peer closed the link"
	}
	return err.Error()
}

func (l *peerLink) Carrier() string {
	if l.byRPC {
		return CarrierRPC
	}
	return CarrierUpgrade
}

func (l *peerLink) RTT() time.Duration { return l.link.RTT() }

func (l *peerLink) Open(ctx context.Context, call link.Call) (connect.ClientStream, error) {
	return l.link.Open(ctx, call)
}

func (l *peerLink) Retire(ctx context.Context) {
	if err := l.link.Drain(ctx); err != nil {
		l.logger.Warn("link closed while calls were running on it", "peer", l.peer.CollectorID, "error", err)
	}
}

// dispatcher calls the services of the peer itself.
func (l *peerLink) dispatcher() collectorconnect.CollectiveDispatcherClient {
	return collectorconnect.NewCollectiveDispatcherClient(connect.NewClient(l.link.Transport("")))
}

func (l *peerLink) mesh() meshv1connect.MeshServiceClient {
	return meshv1connect.NewMeshServiceClient(connect.NewClient(l.link.Transport("")))
}

// goodbye tells the peer that the connection was closed on purpose. Whoever cannot be told learns it when it dials
// again.
func (l *peerLink) goodbye(ctx context.Context, connectionID, reason string) {
	ctx, cancel := context.WithTimeout(ctx, goodbyeTimeout)
	defer cancel()
	_, err := l.mesh().Disconnect(ctx, &meshv1.DisconnectRequest{ConnectionId: connectionID, Reason: reason})
	if err != nil {
		l.logger.Info("the peer could not be told of the end of the connection", "peer", l.peer.CollectorID, "error", err)
	}
}

// answers reports whether the process at the other end is there. Whatever it answers, it is.
func (l *peerLink) answers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, namesakeTimeout)
	defer cancel()
	_, err := l.mesh().ListConnections(ctx, &meshv1.ListConnectionsRequest{PageSize: 1})
	refused, ok := errors.AsType[*connect.Error](err)
	return err == nil || ok && refused.IsRemote()
}

// tellConflict tells the process at the other end that another one runs under its id.
func (l *peerLink) tellConflict(ctx context.Context, conflict string) {
	ctx, cancel := context.WithTimeout(ctx, goodbyeTimeout)
	defer cancel()
	if _, err := l.mesh().ReportConflict(ctx, &meshv1.ReportConflictRequest{Conflict: conflict}); err != nil {
		l.logger.Info("a peer could not be told of another process under its id", "peer", l.peer.CollectorID, "error", err)
	}
}

// run is the run of the peer at the other end. The state lock is held.
func (l *peerLink) run() namesake.Run {
	return namesake.Run{Session: l.peer.SessionID, Place: l.place()}
}

// final reports whether what the other end says about the connection is the peer's word: it has proved who it is, or has at
// least the key that is known since the id came first. Whoever else says goodbye may only leave.
func (l *peerLink) final() bool { return l.proof != ProofNone }

// place is where the other end of a stream is, in words.
func (o *origin) place() string {
	if o.dialed {
		return "dialled at " + o.from
	}
	return "dialling from " + o.from
}

// place is where the peer is, in words. The state lock is held.
func (l *peerLink) place() string {
	switch {
	case l.dialed:
		return "dialled at " + l.address
	case l.address == "":
		return "dialling from " + l.from
	}
	return "dialling from " + l.from + ", address " + l.address
}

// linkKey finds the link that a call came over in the call's context.
type linkKey struct{}

func withLink(ctx context.Context, l *peerLink) context.Context {
	return context.WithValue(ctx, linkKey{}, l)
}

// linkOf is the link that a call for the manager itself came over; nil if it came over plain HTTP.
func linkOf(ctx context.Context) *peerLink {
	l, _ := ctx.Value(linkKey{}).(*peerLink) //nolint:errcheck // nil is an answer
	return l
}

// linkSet is the links there are. The zero value is empty. All methods are safe for concurrent use.
type linkSet struct {
	mu  sync.Mutex
	all map[*link.Link]*peerLink
}

// add puts a link in if it begins to run. Whoever lists the links once nothing begins any more sees all.
func (s *linkSet) add(l *peerLink, begin func() bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !begin() {
		return false
	}
	if s.all == nil {
		s.all = make(map[*link.Link]*peerLink)
	}
	s.all[l.link] = l
	return true
}

func (s *linkSet) remove(l *peerLink) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, l.link)
}

// of is the link of a peer; nil for one that is no more, or not yet.
func (s *linkSet) of(l *link.Link) *peerLink {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all[l]
}

func (s *linkSet) list() []*peerLink {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*peerLink, 0, len(s.all))
	for _, l := range s.all {
		list = append(list, l)
	}
	return list
}
