package conn

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect/v2"
	"github.com/google/uuid"

	"github.com/collectiverpc/collective/conn/carrier"
	records "github.com/collectiverpc/collective/conn/internal/store"
	"github.com/collectiverpc/collective/internal/cow"
	"github.com/collectiverpc/collective/internal/name"
)

// MaxPeers is how many connections a manager knows. Beyond it, the one that has been dead for longest makes room.
const MaxPeers = records.MaxRecords

const (
	agreeTimeout = 5 * time.Second  // for an accepted link to agree on a connection
	dialTimeout  = 10 * time.Second // for ConnectTo, dial to agreement, unless its context ends before
	drainTimeout = 10 * time.Second // for the calls of a link that is being replaced or disconnected
	storeTimeout = 10 * time.Second // for one write
	alertTimeout = 2 * time.Second  // for a server to say why it has ended a TLS connection
)

// Self is the collector that owns a [Manager].
type Self struct {
	// ID is its collector id. Required.
	ID string
	// Address is where it tells others that it can be found, host:port; empty for a collector without a listener.
	Address string
	// Namespaces are what it offers to peers. A collector that only calls others needs none.
	Namespaces []string
	// SessionID is unique per run of the process. Default: a new UUIDv7.
	SessionID string
	// Consumer tells that it only calls. A peer that knows the word keeps no record of it, shows it to nobody and routes its
	// calls, see [Peer.Entrance] and [WithConsumers].
	Consumer bool
}

// Manager keeps the connections of one collector. All methods are safe for concurrent use.
type Manager struct {
	self Self
	options
	control *connect.Server // what peers may ask of the manager itself, over a link
	carrier http.Handler    // the second carrier of links
	pruner  *pruner
	dial    func(ctx context.Context, address string, expected *pin) (io.ReadWriteCloser, error)

	// ctx ends with Close and CloseAll; the latter puts another one in its place when nothing uses it any more.
	ctx    context.Context //nolint:containedctx // the life of the connections
	stop   context.CancelFunc
	group  sync.WaitGroup // everything that Close waits for, but the keeper
	keeper sync.WaitGroup
	ending sync.Mutex // held by Close and CloseAll
	done   chan struct{}
	finish func() // closes done

	table     atomic.Pointer[Table]
	announced atomic.Pointer[announcement]
	tallies   cow.Map[string, *tally] // by connection id
	kick      chan struct{}           // asks the keeper to look now

	mu       sync.Mutex // never held across I/O; guards the following
	closing  bool       // nothing new is taken on
	ended    bool       // for good
	keeps    bool       // the keeper runs
	loaded   time.Time  // when the connections of earlier runs were
	changed  chan struct{}
	conns    map[string]*connection // by peer id
	ids      map[string]*connection // the same by their own id
	puts     uint64
	sessions map[*session]struct{}
	unagreed map[string]int // accepted links without an agreement, by address
	links    int            // admitted: sessions and those on the way to be one

	closingWhy string
}

// NewManager makes a manager and loads the connections of earlier runs from the store. They are stale until
// [Manager.RecoverFromRestart] or the peers bring them back. End it with [Manager.Shutdown] or [Manager.Close].
func NewManager(self Self, opts ...Option) (*Manager, error) {
	if err := self.complete(); err != nil {
		return nil, err
	}
	options := newOptions(opts)
	if err := options.checkIdentity(self.ID); err != nil {
		return nil, err
	}
	m := &Manager{
		self:     self,
		options:  options,
		kick:     make(chan struct{}, 1),
		done:     make(chan struct{}),
		changed:  make(chan struct{}),
		conns:    make(map[string]*connection),
		ids:      make(map[string]*connection),
		sessions: make(map[*session]struct{}),
		unagreed: make(map[string]int),
	}
	m.logger = m.logger.With("collector", self.ID)
	m.control = m.newControl()
	m.carrier = carrier.Handler(m.admitCarried)
	m.dial = m.dialStream
	m.pruner = newPruner(m)
	m.table.Store(new(Table))
	m.announced.Store(new(announcement))
	if err := m.load(); err != nil {
		return nil, err
	}
	m.loaded = time.Now()
	m.finish = sync.OnceFunc(func() { close(m.done) })
	m.ctx, m.stop = context.WithCancel(context.Background())
	m.startKeeper()
	return m, nil
}

// complete checks what it got and fills in the defaults.
func (s *Self) complete() (err error) {
	if err := name.CheckCollectorID(s.ID); err != nil {
		return err
	}
	if s.Namespaces, err = cleanNamespaces(s.Namespaces); err != nil {
		return err
	}
	if s.SessionID == "" {
		id, err := uuid.NewV7()
		if err != nil {
			return fmt.Errorf("session id: %w", err)
		}
		s.SessionID = id.String()
	}
	return nil
}

func newOptions(opts []Option) options {
	o := options{logger: slog.Default(), handler: refuseCall}
	for _, opt := range opts {
		opt.apply(&o)
	}
	o.limits = o.limits.withDefaults()
	if o.store == nil {
		o.store = NewMemoryStore()
	}
	return o
}

// Limits returns the limits in force.
func (m *Manager) Limits() Limits { return m.limits }

// Table returns the peers of this moment.
func (m *Manager) Table() *Table { return m.table.Load() }

// Done returns a channel that is closed when the manager stops, by [Manager.Close] or at the end of [Manager.Shutdown].
func (m *Manager) Done() <-chan struct{} { return m.done }

// Changed returns a channel that is closed at the next change of the table. To wait for something, take the channel
// first, then look at the table, then wait.
func (m *Manager) Changed() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.changed
}

// publish shows a connection to readers as it is now. m.mu is held.
func (m *Manager) publish(c *connection) {
	m.table.Store(m.table.Load().with(c.peerView()))
	m.announceChange()
}

func (m *Manager) unpublish(peer string) {
	m.table.Store(m.table.Load().without(peer))
	m.announceChange()
}

func (m *Manager) announceChange() {
	close(m.changed)
	m.changed = make(chan struct{})
}

// begin admits an operation, which Close then waits for and cancels. end must be called when it is over.
func (m *Manager) begin(ctx context.Context) (_ context.Context, end func(), _ error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closing {
		return nil, nil, errStopping(m.self.ID)
	}
	m.startKeeper()
	m.group.Add(1)
	ctx, cancel := context.WithCancel(ctx)
	unlink := context.AfterFunc(m.ctx, cancel)
	return ctx, func() {
		unlink()
		cancel()
		m.group.Done()
	}, nil
}

// spawn runs f in a goroutine that Close waits for. It reports whether it did: not when the manager is stopping.
func (m *Manager) spawn(f func()) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.spawnLocked(f)
}

func (m *Manager) spawnLocked(f func()) bool {
	if m.closing {
		return false
	}
	m.group.Go(f)
	return true
}

// hold returns the connection to a peer, a new one if need be, and keeps it in existence until drop.
func (m *Manager) hold(peer string) (*connection, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.conns[peer]
	if !ok {
		if len(m.conns) >= MaxPeers && !m.forgetOne() {
			return nil, connect.Errorf(connect.CodeResourceExhausted, "collector %q has %d connections, which is all it may have: "+
				"disconnect some that are no longer needed", m.self.ID, MaxPeers)
		}
		c = newConnection(m.self.ID, peer)
		m.remember(c)
	}
	c.users++
	return c, nil
}

// drop ends a use of a connection. One that was never agreed goes with its last user.
func (m *Manager) drop(c *connection) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c.users--
	if c.users == 0 && c.record == nil {
		m.forget(c)
	}
}

// forgetOne forgets the connection that has been dead for longest and that this side will not bring back, if there is
// one. m.mu is held.
func (m *Manager) forgetOne() bool {
	var oldest *connection
	for _, c := range m.conns {
		if c.users == 0 && c.record != nil && records.Forgettable(c.record) && (oldest == nil || c.put < oldest.put) {
			oldest = c
		}
	}
	if oldest == nil {
		return false
	}
	m.forget(oldest)
	m.unpublish(oldest.peer)
	return true
}

func (m *Manager) remember(c *connection) {
	m.conns[c.peer], m.ids[c.id] = c, c
	m.tallies.Set(c.id, &c.wire.tally)
}

func (m *Manager) forget(c *connection) {
	delete(m.conns, c.peer)
	delete(m.ids, c.id)
	m.tallies.Delete(c.id)
}

// byID finds a connection by its id and holds it.
func (m *Manager) byID(id string) (*connection, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c, ok := m.ids[id]; ok && c.record != nil {
		c.users++
		return c, nil
	}
	return nil, connect.Errorf(connect.CodeNotFound, "collector %q has no connection %q: list its connections for their ids", m.self.ID, id)
}
