package conn

import (
	"context"
	"crypto/ed25519"
	"net/http"
	"sync"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/internal/dial"
	"github.com/collectiverpc/collective/conn/internal/identity"
	"github.com/collectiverpc/collective/conn/internal/keys"
	"github.com/collectiverpc/collective/conn/internal/lifetime"
	"github.com/collectiverpc/collective/conn/internal/pace"
	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/store"
)

// stopped is why a connection ended with its manager.
const stopped = "this collector stopped"

// Manager keeps the connections of one collector. All methods are safe for concurrent use. It conducts parts that each do
// one thing; see the package comment for which.
type Manager struct {
	limits       Limits
	claims       *claims
	life         *lifetime.Lifetime
	dir          *directory
	records      *recordKeeper
	pruner       *pruner
	keeper       *keeper
	catalogs     *catalogs
	admission    *admission
	doorway      *doorway
	links        *links
	agreements   *agreements
	connector    *connector
	acceptor     *acceptor
	disconnector *disconnector
	redialer     *redialer
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
	options.logger = options.logger.With("collector", self.ID)
	m := &Manager{limits: options.limits, dir: newDirectory(self)}
	m.life = lifetime.New(self.ID, func(ctx context.Context) { m.keeper.keep(ctx) })
	if err := m.assembleClaims(options); err != nil {
		return nil, err
	}
	m.assembleStanding(options)
	m.assembleAsking(options)
	if err := m.records.load(); err != nil {
		return nil, err
	}
	m.keeper.loaded = time.Now()
	m.life.Start()
	return m, nil
}

// assembleClaims makes what judges who is who.
func (m *Manager) assembleClaims(o options) error {
	if err := o.checkSecrets(); err != nil {
		return err
	}
	key, ephemeral, err := o.ownKey()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	book, err := keys.Open(ctx, knownKeys{o.store})
	m.claims = &claims{
		dir: m.dir, life: m.life, logger: o.logger, proof: identity.Prover{Self: m.dir.self.ID, Rule: o.identity}, book: book,
		secrets: o.secrets, key: key, ephemeral: ephemeral, unbound: o.unbound,
	}
	return err
}

// assembleStanding makes the parts that look after the connections there are.
func (m *Manager) assembleStanding(o options) {
	set := new(linkSet)
	m.records = &recordKeeper{dir: m.dir, store: o.store, logger: o.logger}
	m.pruner = &pruner{dir: m.dir, records: m.records, most: o.limits.Dead}
	m.keeper = &keeper{dir: m.dir, records: m.records, claims: m.claims, pruner: m.pruner, kick: make(chan struct{}, 1)}
	m.catalogs = newCatalogs(m.dir, set, m.life, o.limits.CatalogMethods, o.logger)
	m.catalogs.vouched = m.claims.book.Vouched
	m.agreements = &agreements{
		dir: m.dir, records: m.records, catalogs: m.catalogs, claims: m.claims, life: m.life, handler: o.handler, logger: o.logger,
		lost: func(c *connection) { // whose record has to be written, and its peer dialled again
			m.keeper.wake()
			m.redialer.later(c)
		},
	}
	m.disconnector = &disconnector{dir: m.dir, agreements: m.agreements, life: m.life}
	m.links = &links{
		self: m.dir.self, set: set, catalogs: m.catalogs, life: m.life, proof: m.claims.proof, claims: m.claims, limits: o.linkLimits, logger: o.logger,
		control: control{connect: m.HandleConnect, goodbye: m.disconnector.takeGoodbye, told: m.claims.told}.server(), ended: m.agreements.endLink,
	}
}

// assembleAsking makes the parts that bring connections about.
func (m *Manager) assembleAsking(o options) {
	dialer := &dial.Dialer{
		TLS: o.tls, Current: o.tlsSource, Plaintext: o.plaintext, Proof: m.claims.proof, Logger: o.logger, IdleTimeout: idleAfter,
	}
	requests := &requestReader{
		dir: m.dir, proof: m.claims.proof, claims: m.claims, logger: o.logger,
		pace: &pace.Keyed{Rate: float64(o.limits.Linkless), Burst: o.limits.Linkless},
	}
	seeds := &seedConnector{
		dir: m.dir, agreements: m.agreements, requests: requests, dialer: dialer, claims: m.claims, dialBack: o.dialBack, logger: o.logger,
	}
	m.admission = &admission{
		self: m.dir.self.ID, limits: o.limits, proof: m.claims.proof, proves: m.claims.proof.Required() || o.secrets != nil,
		life: m.life, logger: o.logger, unagreed: make(map[string]int),
	}
	m.doorway = newDoorway(m.admission, m.links.welcome)
	m.connector = &connector{
		dir: m.dir, admission: m.admission, links: m.links, agreements: m.agreements, claims: m.claims,
		seeds: seeds, life: m.life, logger: o.logger, dial: dialer.Dial,
	}
	m.redialer = &redialer{
		dir: m.dir, life: m.life, logger: o.logger, connect: m.connector.connectOnce, terminate: m.agreements.terminate,
		doubt: m.claims.doubt, reach: m.connector.dialLink,
	}
	m.links.renew, m.links.expired = m.redialer.renewLink, m.agreements.expireLink
	m.acceptor = &acceptor{
		dir: m.dir, requests: requests, agreements: m.agreements, seeds: seeds, redialer: m.redialer, oneWay: o.limits.OneWay, logger: o.logger,
		consumers: &consumers{dir: m.dir, catalogs: m.catalogs, life: m.life, handler: o.consumers, logger: o.logger},
	}
}

// ConnectionManager is the seed's name of [Manager].
type ConnectionManager = Manager

// NewConnectionManager is the seed's spelling of [NewManager] without options but [WithStore]. sessionID must be unique
// per run of the process; empty means a new UUIDv7. coll, in place of the seed's collection of records, may be nil: then a
// restart forgets the connections. The seed returns no error, and takes any name.
func NewConnectionManager(
	collectorID, address string, namespaces []string, sessionID string, coll *store.Store,
) (*ConnectionManager, error) {
	self := Self{ID: collectorID, Address: address, Namespaces: namespaces, SessionID: sessionID}
	if coll == nil {
		return NewManager(self)
	}
	return NewManager(self, WithStore(NewFileStore(coll)))
}

// Limits returns the limits in force.
func (m *Manager) Limits() Limits { return m.limits }

// Table returns the peers of this moment.
func (m *Manager) Table() *Table { return m.dir.table.Load() }

// Done returns a channel that is closed when the manager stops, by [Manager.Close] or at the end of [Manager.Shutdown].
func (m *Manager) Done() <-chan struct{} { return m.life.Done() }

// Changed returns a channel that is closed at the next change of the table. To wait for something, take the channel
// first, then look at the table, then wait.
func (m *Manager) Changed() <-chan struct{} { return m.dir.changes() }

// ServeHTTP accepts a link at [carrier.UpgradePath] and [carrier.CarryPath]. An upgrade returns when the stream is taken over,
// the RPC when the link has ended.
func (m *Manager) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.doorway.ServeHTTP(w, r) }

// ConnectTo connects to the collector at address (host:port), offering namespaces, by default all of this collector's.
// When it returns, the connection is on disk on both sides, calls can go both ways, and the peer's catalog is in the
// table (unless the peer takes longer than two seconds to tell it). The attempt ends with ctx or after ten seconds.
//
// A peer that is connected already stays connected by the same link, with the namespaces agreed anew. From now on this
// collector dials again whenever the connection is lost, until [Manager.Disconnect].
func (m *Manager) ConnectTo(ctx context.Context, address string, namespaces []string) (*collector.ConnectResponse, error) {
	w, err := m.connector.intentOf(address, namespaces)
	if err != nil {
		return nil, err
	}
	ctx, end, err := m.life.Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	return m.connector.connect(ctx, w)
}

// HandleConnect answers another collector's Connect. Over a link it binds the link to the connection; over plain HTTP
// the caller is a seed peer without a link, and ctx that of the RPC, where [WithIdentity] finds its certificate. Like the
// RPC it answers, it puts refusals into the Status and returns no error for them.
func (m *Manager) HandleConnect(ctx context.Context, req *collector.ConnectRequest) (*collector.ConnectResponse, error) {
	ctx, end, err := m.life.Begin(ctx)
	if err != nil {
		return m.acceptor.refusal(err), nil
	}
	defer end()
	return m.acceptor.answer(ctx, req), nil
}

// Disconnect closes a connection for good: nobody dials it again until one side connects by hand. failed records it as
// failed rather than closed. It is written to disk and the peer is told, if it can be reached within two seconds,
// before Disconnect returns; calls that are running get ten seconds to finish. Disconnecting twice is no error, and the
// first reason stays.
func (m *Manager) Disconnect(ctx context.Context, connectionID, reason string, failed bool) error {
	ctx, end, err := m.life.Begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	return m.disconnector.disconnect(ctx, connectionID, reason, failed)
}

// RecoverFromRestart writes down that the connections of earlier runs are stale, forgets those that have been dead for
// a day and that this side will not bring back, and then dials again, in the background, those that this side had
// dialled, until each is active or disconnected by hand. Call it once, before the first request is accepted.
func (m *Manager) RecoverFromRestart(ctx context.Context) error {
	ctx, end, err := m.life.Begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	m.pruner.old()
	if err := m.records.catchAllUp(ctx); err != nil {
		return err
	}
	m.redialer.laterAll()
	return nil
}

// Prune forgets dead connections, on disk and in memory, whose state changed longer ago than olderThan, but for the newest
// keep of them. Dead are those that are closed, failed, or stale and dialled by the other side. It returns what it has
// forgotten, the last changed first. The manager does the same by itself, to those that died more than a day ago and to
// those beyond [Limits].Dead. Negative arguments count as 0.
func (m *Manager) Prune(ctx context.Context, olderThan time.Duration, keep int) ([]*collector.Connection, error) {
	ctx, end, err := m.life.Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	return m.pruner.prune(ctx, olderThan, keep)
}

// Announce tells all peers what this collector serves: now, and whenever a link comes up. It is the full set, of which peers are
// told what has changed; an older revision than the last, unless zero, is ignored. The manager keeps no reference to catalog.
// One that peers would refuse, with a malformed name or above 4 MiB or 100 000 methods, is logged and not announced.
func (m *Manager) Announce(catalog *meshv1.Catalog) { m.catalogs.announce(catalog) }

// Amend is [Manager.Announce] of what has changed since: methods, removed ones too, and schemas, in their order.
func (m *Manager) Amend(changes *meshv1.Catalog) { m.catalogs.amend(changes) }

// ListConnections returns copies of all records, those of dead connections and of earlier runs included, the last
// changed first.
func (m *Manager) ListConnections() []*collector.Connection { return m.dir.list() }

// ListActiveConnections returns the connections that are up, by collector id.
func (m *Manager) ListActiveConnections() []*ActiveConnection { return m.dir.listActive() }

// GetActiveConnection returns the connection with an id, if it is up.
func (m *Manager) GetActiveConnection(connectionID string) (*ActiveConnection, bool) {
	return m.dir.active(connectionID)
}

// GetClient returns a client of the dispatcher service of the collector at an address, as it was dialled or as the peer
// claims it, if there is a link to it. The client survives reconnects. Its Serve runs a method on that collector, its
// Dispatch enters the mesh there, which may go on to one of its peers, and its Connect agrees on the connection anew; all
// in shared namespaces only.
func (m *Manager) GetClient(address string) (collectorconnect.CollectiveDispatcherClient, bool) {
	return m.dir.client(address)
}

// RecordRequest counts a call that this collector made on a connection, with its message bytes. Calls that arrive over
// a link are counted by the manager itself.
func (m *Manager) RecordRequest(_ context.Context, connectionID string, bytesSent, bytesReceived int64) {
	if t, ok := m.dir.tallies.Get(connectionID); ok {
		t.add(bytesSent, bytesReceived)
	}
}

// Key is the key by which this collector proves who it is, and whether it ends with this [Manager].
func (m *Manager) Key() (key ed25519.PublicKey, ephemeral bool) {
	public, _ := m.claims.key.Public().(ed25519.PublicKey) //nolint:errcheck // it is one
	return public, m.claims.ephemeral
}

// KnownKeys are the keys by which other collectors are known, by collector id.
func (m *Manager) KnownKeys() []KnownKey {
	entries := m.claims.book.List(time.Now())
	list := make([]KnownKey, 0, len(entries))
	for _, entry := range entries {
		known := knownKeyOf(entry.Known)
		if entry.Refused != nil {
			known.Refused = m.claims.book.Refused(known.CollectorID, time.Now())
		}
		list = append(list, known)
	}
	return list
}

// ForgetKey forgets the key of a collector, which is what an operator does who knows that it was set up anew: the next one
// that comes under the id is taken. A link that is up stays. It is not_found if none is known.
func (m *Manager) ForgetKey(ctx context.Context, collectorID string) (KnownKey, error) {
	ctx, end, err := m.life.Begin(ctx)
	if err != nil {
		return KnownKey{}, err
	}
	defer end()
	known, ok, err := m.claims.forget(ctx, collectorID)
	if err == nil && !ok {
		err = connect.Errorf(connect.CodeNotFound, "no key of collector %.80q is known: collector trust ls shows those that are", collectorID)
	}
	return knownKeyOf(known), err
}

// LinkInfo tells of the other end of a link, such as that of [link.ServerInfo]. It is false for a link that is not one of
// this manager, or is over. It takes a lock: whoever needs it for each call keeps what it says.
func (m *Manager) LinkInfo(of *link.Link) (LinkInfo, bool) {
	l := m.links.set.of(of)
	if l == nil {
		return LinkInfo{}, false
	}
	t := l.terms.Load()
	return LinkInfo{
		ID: l.peer.CollectorID, Proof: l.proof, Consumer: t != nil && t.consumer, Dialed: l.dialed,
		Remote: l.way.Remote, TLS: l.way.State, Values: l.values,
	}, true
}

// Links says how links are authenticated, a line each, for people.
func (m *Manager) Links() []string { return m.claims.lines() }

// Leave begins a stop and does not wait: no connection is made any more, and peers are told to call elsewhere. The links
// stand, and calls cross them both ways. It may be called again.
func (m *Manager) Leave() {
	m.life.Refuse(stopped, true)
	m.catalogs.announceLeaving()
}

// Shutdown stops in good order: after [Manager.Leave] running calls finish, those of consumers first, since they may go on
// to peers, and everything is closed as by [Manager.Close]. When ctx ends first, calls that still run are cut off and its
// error is returned.
//
// The connections stay on record as stale: peers that dialled dial again, and so does this collector when it comes back
// and recovers.
func (m *Manager) Shutdown(ctx context.Context) error {
	m.Leave()
	consumers, peers := m.links.byKind()
	drain(ctx, consumers)
	drain(ctx, peers)
	m.Close()
	return ctx.Err()
}

// drain ends links in order, all at the same time.
func drain(ctx context.Context, links []*peerLink) {
	var group sync.WaitGroup
	for _, l := range links {
		group.Go(func() { l.Retire(ctx) })
	}
	group.Wait()
}

// Close ends the manager at once: links are closed, what runs in the background ends, the last counters are written.
// Calls in flight fail as unavailable. The manager cannot be used afterwards; closing twice is no error.
func (m *Manager) Close() { m.end(stopped, true) }

// CloseAll closes all connections at once, and leaves the manager usable, as in the seed. Calls in flight fail as
// unavailable, and nothing of the manager runs any more when it returns. The connections stay on record as stale: this
// side dials none of them again until [Manager.ConnectTo] or [Manager.RecoverFromRestart]. Peers that had dialled may
// do so, and are accepted; [Manager.Disconnect] ends a connection for both sides.
func (m *Manager) CloseAll() { m.end("all connections were closed here", false) }

// end ends all connections and everything that runs; the manager too if it is final.
func (m *Manager) end(why string, final bool) {
	m.life.End(why, final, func() { m.links.closeAll(why) }, func() {
		m.agreements.endPaths(why)
		m.records.writeBack()
	})
}
