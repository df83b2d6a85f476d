package dispatcher

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/conn/link"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"

	"connectrpc.com/connect/v2"
	"github.com/google/uuid"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/dispatcher/internal/authz"
	"github.com/collectiverpc/collective/dispatcher/internal/call"
	"github.com/collectiverpc/collective/dispatcher/internal/describe"
	"github.com/collectiverpc/collective/dispatcher/internal/descriptorset"
	"github.com/collectiverpc/collective/dispatcher/internal/endpoint"
	"github.com/collectiverpc/collective/dispatcher/internal/entrance"
	"github.com/collectiverpc/collective/dispatcher/internal/health"
	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	"github.com/collectiverpc/collective/dispatcher/internal/ingress"
	"github.com/collectiverpc/collective/dispatcher/internal/meshservice"
	"github.com/collectiverpc/collective/dispatcher/internal/operators"
	"github.com/collectiverpc/collective/dispatcher/internal/peerschema"
	"github.com/collectiverpc/collective/dispatcher/internal/recovery"
	"github.com/collectiverpc/collective/dispatcher/internal/session"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
	"github.com/collectiverpc/collective/internal/name"
	"github.com/collectiverpc/collective/internal/observe"
	"github.com/collectiverpc/collective/internal/origin"
)

// New makes a collector. id is its identity in the mesh; address is where others find it, host:port, or empty for one
// without a listener; namespaces are all it will ever register in or call. It reports everything that is wrong with
// them at once. A Dispatcher that is no longer needed must be given to [Dispatcher.Shutdown].
func New(id, address string, namespaces []string, opts ...Option) (*Dispatcher, error) {
	var o options
	for _, opt := range opts {
		opt.apply(&o)
	}
	pages, err := origin.NewPages(o.origins...)
	if err := errors.Join(checkSelf(id, namespaces), err); err != nil {
		return nil, err
	}
	session, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("making a session id: %w", err)
	}
	b := &builder{options: o, address: address, session: session.String(), started: time.Now(), front: new(front)}
	b.d = &Dispatcher{
		id: id, namespaces: slices.Sorted(slices.Values(namespaces)),
		limits: o.limits.withDefaults(), log: cmp.Or(o.log, slog.Default()), plaintext: o.plaintext,
		draining: make(chan struct{}),
	}
	return b.build(pages)
}

func checkSelf(id string, namespaces []string) error {
	problems := []error{name.CheckCollectorID(id)}
	seen := make(map[string]bool)
	for _, namespace := range namespaces {
		problems = append(problems, name.CheckNamespace(namespace))
		if name.Reserved(namespace) {
			problems = append(problems, fmt.Errorf("namespace %q is reserved for the collectors themselves", namespace))
		}
		if seen[namespace] {
			problems = append(problems, fmt.Errorf("namespace %q is given twice", namespace))
		}
		seen[namespace] = true
	}
	return errors.Join(problems...)
}

// builder wires the parts of a collector, in the order in which they need each other.
type builder struct {
	d       *Dispatcher
	options options

	address, session string
	started          time.Time
	front            *front
	recovery         *recovery.Recovery
	interceptors     []connect.ServerInterceptor // with recovery, outermost first
	methods          *hosted.Set
	executor         *call.Executor
	access           *authz.Authorizer
	secrets          *conn.MeshSecrets // nil for those that are not in a file
}

// build claims the store before it begins anything that would have to be ended.
func (b *builder) build(pages *origin.Pages) (*Dispatcher, error) {
	d := b.d
	var err error
	if b.secrets, err = b.options.meshSecrets(d.log); err != nil {
		return nil, err
	}
	if b.access, err = newAuthorizer(d.id, b.options.guard, d.log, b.endOf); err != nil {
		return nil, err
	}
	d.drain = sync.OnceFunc(func() { close(d.draining) })
	d.port = ingress.NewPort(d.id, d.limits.ingress(), d.log, b.front.observeRefusal)
	d.port.RefusedCertificate = b.access.RefuseCertificate
	b.front.port = d.port
	d.runBy = runBy(b.access.Socket)
	d.sessions = session.New(d.id, func(e access.Event) { d.audit.Record(e) })
	around := []around{d.sessions.Handler, b.options.browsers(b.address, pages).Before}
	if d.handler, err = b.front.behind(b.options.console, b.options.origins, pages, around); err != nil {
		return nil, err
	}
	if d.releaseStore, err = b.options.claim(d.id); err != nil {
		return nil, err
	}
	if err := b.begin(); err != nil {
		d.releaseStore()
		return nil, err
	}
	return d, nil
}

// begin begins what runs until [Dispatcher.Shutdown].
func (b *builder) begin() error {
	d := b.d
	b.host()
	var err error
	if d.audit, err = openAudit(d.log, b.options.file); err != nil {
		return err
	}
	deaf, unfollow := b.access.Guard.Audited(d.audit.Record), follow(b.access.Guard, b.options.secretFile, b.secrets)
	d.endAccess = func() { unfollow(); deaf(); d.audit.Close() }
	if err := b.record(); err != nil {
		d.endAccess()
		return err
	}
	b.route()
	if err := b.connect(); err != nil {
		d.endAccess()
		return errors.Join(err, forget(d.recorder))
	}
	d.schemas = peerschema.Learn(d.id, d.conns, b.methods, d.limits.schemas(), d.log)
	d.opening = &opening{views: &d.views, conns: d.conns, timeout: d.limits.OpenTimeout, draining: d.draining}
	b.describe()
	b.open()
	if err := d.SetRegistryValidator(b.options.validator); err != nil {
		return errors.Join(err, d.abandon())
	}
	return nil
}

// host makes what runs methods here.
func (b *builder) host() {
	d := b.d
	b.recovery = &recovery.Recovery{Self: d.id, Log: d.log}
	b.interceptors = slices.Insert(slices.Clone(b.options.server), 0, b.recovery.Intercept)
	b.methods = hosted.NewSet(b.options.sources)
	b.executor = call.NewExecutor(d.id, d.namespaces, d.limits.MessageBytes, d.limits.MethodCalls, b.recovery, b.methods, d.validation.validate, b.access)
	d.types = typeIndex{methods: b.methods, known: func() *peerschema.Known { return d.schemas.Known() }}
	d.registrar.self, d.registrar.namespaces, d.registrar.interceptors = d.id, d.namespaces, b.interceptors
	d.registrar.methods, d.registrar.validation = b.methods, &d.validation
	d.registrar.announce = func(changes *meshv1.Catalog) { d.conns.Amend(changes) }
}

// record begins to remember what happens, until forget.
func (b *builder) record() error {
	b.d.recorder = observe.New(b.d.id, b.options.observed)
	if b.options.file == nil {
		return nil
	}
	return b.d.recorder.Keep(context.Background(), b.options.file, b.session, b.options.kept)
}

// route makes the way of a call. Of the connections it needs nothing before the first call.
func (b *builder) route() {
	d := b.d
	tracker := endpoint.NewTracker(avoidance{d}.tell)
	d.views.Tracker, d.views.Zone = tracker, b.options.zone
	d.observer = &call.Observer{Self: d.id, Recorder: d.recorder, Log: d.log, Access: b.access}
	ways := &call.Peers{
		Self: d.id, Log: d.log, Attempts: d.limits.Attempts, Cookie: b.options.cookie,
		Trust:  call.Trust{All: b.options.authorization},
		Budget: call.NewRetryBudget(), Recovery: b.recovery, Clock: tracker.Clock,
		Intercept: chain(b.options.client, connect.ClientFunc(call.OpenOnPeer)), Intercepted: len(b.options.client) > 0,
	}
	d.pipeline = &call.Pipeline{
		Self: d.id, Access: b.access, Views: &d.views, Executor: b.executor, Peers: ways, Relay: chain(b.interceptors, connect.ServerFunc(ways.RelayRequest)),
	}
	d.envelopes = &entrance.Envelopes{
		Pipeline: d.pipeline, Observer: d.observer, Timeouts: d.limits.timeouts(), Message: d.limits.MessageBytes,
	}
	d.views.Self, d.views.Namespaces = d.id, d.namespaces
	d.views.Changed = func() <-chan struct{} { return d.conns.Changed() }
	d.views.Grants = b.access.Serves
	d.views.Sources = func() call.Sources {
		return call.Sources{Local: b.methods.Snapshot(), Table: d.conns.Table(), Schemas: d.schemas.Known(), Policy: b.access.Guard.Revision()}
	}
}

// connect makes the connections, of which none is dialled yet.
func (b *builder) connect() error {
	d := b.d
	store, err := watchStore(context.Background(), b.options.connectionStore(), d.recorder)
	if err != nil {
		return err
	}
	shares := func(collector, namespace string) bool {
		peer, ok := d.conns.Table().Peer(collector)
		return ok && slices.Contains(peer.Shared, namespace)
	}
	consumers := &entrance.Consumers{
		Pipeline: d.pipeline, Observer: d.observer, Recovery: b.recovery, Timeouts: d.limits.timeouts(), Own: b.linkServices(nil, b.access.Consumers),
	}
	opts := []conn.Option{
		conn.WithStore(store),
		conn.WithLogger(d.log),
		conn.WithLinkHandler(d.observer.Arrivals(&d.views, b.executor.ServeLink(b.linkServices(shares, b.access.Peers)))),
		conn.WithConsumers(consumers.Serve),
		conn.WithLinkLimits(d.limits.Link),
	}
	if b.options.tls != nil {
		opts = append(opts, conn.WithTLS(b.options.tls))
	}
	self := conn.Self{ID: d.id, Address: b.address, Namespaces: d.namespaces, SessionID: b.session, Consumer: b.options.consumer}
	d.conns, err = conn.NewManager(self, slices.Concat(opts, b.options.conn)...)
	return err
}

// linkServices are what a peer may ask of this collector itself over a link: to run a method here, the schemas of which
// it was told, and with whom this collector is connected. A connection is agreed by package conn.
func (b *builder) linkServices(shares func(collector, namespace string) bool, decide connect.ServerInterceptor) *connect.Server {
	d := b.d
	server := connect.NewServer(slices.Concat([]connect.ServerInterceptor{b.recovery.Intercept, decide}, b.options.server)...)
	collectorconnect.RegisterCollectiveDispatcherHandler(server, linkService{self: d.id, envelopes: d.envelopes, shares: shares})
	meshv1connect.RegisterMeshServiceHandler(server, meshservice.NewNeighbour(d.id, func() []*collector.Connection { return d.conns.ListConnections() }))
	meshv1connect.RegisterSchemaServiceHandler(server, peerschema.NewService(d.id, b.methods, d.limits.Link.MaxMessage))
	return server
}

// endOf is the other end of a link.
func (b *builder) endOf(l *link.Link) authz.End {
	end, _ := b.d.conns.LinkInfo(l) // a link that is over is anybody's
	return authz.End{ID: l.Peer().CollectorID, Proven: end.Proven(), Remote: end.Remote, TLS: end.TLS}
}

// describe makes what tells others of the mesh.
func (b *builder) describe() {
	d := b.d
	pageBytes := descriptorset.PageBytes(d.limits.MessageBytes)
	d.own = &ownServices{
		rpcs: d, types: &d.types, port: d.port,
		interceptors: slices.Concat([]connect.ServerInterceptor{d.observer.LogOwn, b.recovery.Intercept, b.access.Intercept}, b.options.server),
	}
	describer := describe.New(describe.Config{
		Self: d.id, View: d.views.Now, Known: d.schemas.Known, Own: func() describe.Own { return d.own.current.Load() },
		Methods: b.methods, Sources: b.options.sources, PageBytes: pageBytes,
	})
	if !b.options.noReflection {
		d.own.describer = describer
	}
	d.own.health = b.health()
	d.own.mesh = meshservice.New(meshservice.Config{
		ID: d.id, Address: b.address, Session: b.session, Version: b.options.version, Store: b.options.storeStatus,
		Namespaces: d.namespaces, Started: b.started,
		Connections: d.conns, Schemas: d.schemas, Describer: describer, Recorder: d.recorder,
		View: d.views.Now, Balance: d.pipeline.Balance, Sources: b.options.sources, PageBytes: pageBytes,
		Limits: func() map[string]string { return limitTexts(d) }, Access: b.access, Warnings: append(b.options.warnings, b.access.Guard.Troubles),
	})
	d.own.operators = &operators.Service{Guard: b.access.Guard, Lines: b.access.Lines, Explain: b.access.Explain, Sessions: d.sessions, Audit: d.audit}
}

// health is what the health of this collector follows from.
func (b *builder) health() health.Config {
	d := b.d
	return health.Config{
		Self: d.id, View: d.views.Now, Own: func() health.Own { return d.own.current.Load() }, Draining: d.draining,
		Changes: func() health.Changes {
			return health.Changes{
				Peers: d.conns.Changed(), Registered: b.methods.Snapshot().Replaced, Own: d.own.current.Load().Replaced,
			}
		},
	}
}

// open gives the port what is behind it.
func (b *builder) open() {
	d, f := b.d, b.front
	f.own, f.conns, f.observer, f.views, f.access = d.own, d.conns, d.observer, &d.views, b.access
	f.probes = &health.Probes{Draining: d.draining, Store: b.options.storeTrouble}
	f.native = &entrance.Native{
		Pipeline: d.pipeline, Observer: d.observer, Recovery: b.recovery,
		Port: d.port, Timeouts: d.limits.timeouts(), Legible: d.types.legible,
	}
}

// chain puts interceptors, of servers or of clients, around a function, the first outermost.
func chain[I ~func(F) F, F any](interceptors []I, next F) F {
	for _, intercept := range slices.Backward(interceptors) {
		next = intercept(next)
	}
	return next
}
