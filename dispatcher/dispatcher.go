package dispatcher

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect/v2"
	"github.com/google/uuid"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/dispatcher/internal/call"
	"github.com/collectiverpc/collective/dispatcher/internal/describe"
	"github.com/collectiverpc/collective/dispatcher/internal/entrance"
	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	"github.com/collectiverpc/collective/dispatcher/internal/ingress"
	"github.com/collectiverpc/collective/dispatcher/internal/meshservice"
	"github.com/collectiverpc/collective/dispatcher/internal/peerschema"
	"github.com/collectiverpc/collective/dispatcher/internal/recovery"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/internal/name"
	"github.com/collectiverpc/collective/internal/observe"
	"github.com/collectiverpc/collective/internal/origin"
)

// Dispatcher is a collector: it hosts methods and routes calls. All methods are safe for concurrent use.
type Dispatcher struct {
	id, address, session string
	namespaces           []string // sorted
	started              time.Time
	options              options
	pages                *origin.Pages // that may call from a browser
	limits               Limits
	log                  *slog.Logger
	recovery             *recovery.Recovery
	interceptors         []connect.ServerInterceptor // with recovery, outermost first

	methods    *hosted.Set // what is registered here
	validation validation
	executor   *call.Executor
	pipeline   *call.Pipeline
	envelopes  entrance.Envelopes
	native     entrance.Native
	observer   *call.Observer
	views      call.Views
	conns      *conn.Manager
	schemas    *peerschema.Learner
	callers    peerschema.Callers

	describer    *describe.Describer
	mesh         *meshservice.Service
	recorder     *observe.Recorder
	releaseStore func()

	port   *ingress.Port
	front  http.Handler // see newFront
	system atomic.Pointer[ingress.Services]

	waiting sync.WaitGroup // for peers of earlier runs

	// draining is closed by drain, when the collector is about to stop.
	draining chan struct{}
	drain    func()

	// mu orders changes of what is registered. It is never held while a call runs.
	mu sync.Mutex
}

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
	d := &Dispatcher{
		id: id, address: address, session: session.String(),
		namespaces: slices.Sorted(slices.Values(namespaces)),
		started:    time.Now(),
		options:    o,
		pages:      pages,
		limits:     o.limits.withDefaults(),
		log:        cmp.Or(o.log, slog.Default()),

		draining: make(chan struct{}),
	}
	d.drain = sync.OnceFunc(func() { close(d.draining) })
	d.port = ingress.NewPort(id, d.limits.ingress(), d.log, d.observeRefusal)
	if d.front, err = d.newFront(); err != nil {
		return nil, err
	}
	if d.releaseStore, err = o.claim(id); err != nil {
		return nil, err
	}
	if err := d.build(); err != nil {
		d.releaseStore()
		return nil, err
	}
	return d, nil
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

// build wires the parts that need each other.
func (d *Dispatcher) build() error {
	d.recovery = &recovery.Recovery{Self: d.id, Log: d.log}
	d.interceptors = slices.Insert(slices.Clone(d.options.server), 0, d.recovery.Intercept)
	d.methods = hosted.NewSet(d.options.sources)
	d.executor = call.NewExecutor(d.id, d.namespaces, d.limits.MessageBytes, d.recovery, d.methods, d.validation.validate)
	if err := d.record(); err != nil {
		return err
	}
	d.route()
	if err := d.connect(); err != nil {
		return errors.Join(err, d.forget())
	}
	d.schemas = peerschema.Learn(d.id, d.conns, d.methods, d.limits.schemas(), d.log)
	d.views.Self, d.views.Namespaces, d.views.Sources, d.views.Changed = d.id, d.namespaces, d.sources, d.conns.Changed
	d.describe()
	if err := d.SetRegistryValidator(d.options.validator); err != nil {
		return errors.Join(err, d.close())
	}
	return nil
}

// route makes the way of a call. Of the connections it needs nothing before the first call.
func (d *Dispatcher) route() {
	d.observer = &call.Observer{Self: d.id, Recorder: d.recorder, Log: d.log}
	ways := &call.Peers{
		Self: d.id, Log: d.log, Attempts: d.limits.Attempts, Cookie: d.options.cookie,
		Trust:  call.Trust{All: d.options.authorization, TLS: d.options.tls != nil, Proves: func() bool { return d.conns.ProvesPeers() }},
		Budget: call.NewRetryBudget(), Recovery: d.recovery,
		Intercept: chainClient(d.options.client, call.OpenOnPeer), Intercepted: len(d.options.client) > 0,
	}
	d.pipeline = &call.Pipeline{
		Self: d.id, Views: &d.views, Executor: d.executor, Peers: ways, Relay: chainServer(d.interceptors, ways.RelayRequest),
	}
	d.envelopes = entrance.Envelopes{Pipeline: d.pipeline, Observer: d.observer, Timeouts: d.limits.timeouts(), Message: d.limits.MessageBytes}
	d.native.Pipeline, d.native.Observer, d.native.Recovery = d.pipeline, d.observer, d.recovery
	d.native.Port, d.native.Timeouts, d.native.Legible = d.port, d.limits.timeouts(), d.legible
}

// record begins to remember what happens, until forget.
func (d *Dispatcher) record() error {
	d.recorder = observe.New(d.id, d.options.observed)
	if d.options.file == nil {
		return nil
	}
	return d.recorder.Keep(context.Background(), d.options.file, d.session, d.options.kept)
}

// forget ends what record began.
func (d *Dispatcher) forget() error {
	d.recorder.Close()
	return d.recorder.Finish()
}

// close ends everything at once.
func (d *Dispatcher) close() error {
	d.schemas.Stop()
	d.conns.Close()
	return d.forget()
}

func (d *Dispatcher) connect() error {
	store, err := watchStore(context.Background(), d.options.connectionStore(), d.recorder)
	if err != nil {
		return err
	}
	consumers := &entrance.Consumers{
		Pipeline: d.pipeline, Observer: d.observer, Recovery: d.recovery, Timeouts: d.limits.timeouts(), Own: d.linkServices(true),
	}
	opts := []conn.Option{
		conn.WithStore(store),
		conn.WithLogger(d.log),
		conn.WithLinkHandler(d.observer.Arrivals(&d.views, d.executor.ServeLink(d.linkServices(false)))),
		conn.WithConsumers(consumers.Serve),
		conn.WithLinkLimits(d.limits.Link),
	}
	if d.options.tls != nil {
		opts = append(opts, conn.WithTLS(d.options.tls))
	}
	self := conn.Self{ID: d.id, Address: d.address, Namespaces: d.namespaces, SessionID: d.session, Consumer: d.options.consumer}
	manager, err := conn.NewManager(self, slices.Concat(opts, d.options.conn)...)
	d.conns = manager
	return err
}

// ID is the collector id.
func (d *Dispatcher) ID() string { return d.id }

// Limits are the limits in force.
func (d *Dispatcher) Limits() Limits { return d.limits }

// Connections is the connection manager: who can be reached.
func (d *Dispatcher) Connections() *conn.Manager { return d.conns }

// ConnectTo connects to the collector at address, host:port, and offers it namespaces; none offers all of this
// collector's. The answer names the namespaces that both have; calls cross in those, both ways.
func (d *Dispatcher) ConnectTo(ctx context.Context, address string, namespaces []string) (*collector.ConnectResponse, error) {
	if len(namespaces) == 0 {
		namespaces = d.namespaces
	}
	return d.conns.ConnectTo(ctx, address, namespaces)
}

// SetRegistryValidator changes who is asked before a call runs here, for calls that start from now on; nil asks nobody.
// A validator that listens to services is first told of those that are registered. On an error nothing changes.
func (d *Dispatcher) SetRegistryValidator(v RegistryValidator) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	next := newValidator(v)
	if next != nil && next.services != nil {
		if err := next.tell(d.methods.Snapshot()); err != nil {
			return fmt.Errorf("registry: %w", err)
		}
	}
	system, err := d.newSystemServices(next)
	if err != nil {
		return err
	}
	if old := d.system.Swap(system); old != nil {
		close(old.Replaced)
	}
	d.validation.current.Store(next)
	return nil
}

// Shutdown turns the health of the collector to not serving, says goodbye to every peer, waits for the calls on the
// links until ctx is done, and stops all goroutines.
// It does not touch listeners: shut the *http.Server down next.
func (d *Dispatcher) Shutdown(ctx context.Context) error {
	d.drain()
	d.waiting.Wait()
	d.schemas.Stop()
	d.recorder.Close()
	defer d.releaseStore()
	return errors.Join(d.conns.Shutdown(ctx), d.recorder.Finish())
}

// view is what routing may look at now.
func (d *Dispatcher) view() *routing.View { return d.views.Now() }

// sources is what the view follows from now.
func (d *Dispatcher) sources() call.Sources {
	return call.Sources{Local: d.methods.Snapshot(), Table: d.conns.Table(), Schemas: d.schemas.Known()}
}

func chainServer(interceptors []connect.ServerInterceptor, next connect.ServerFunc) connect.ServerFunc {
	for _, intercept := range slices.Backward(interceptors) {
		next = intercept(next)
	}
	return next
}

func chainClient(interceptors []connect.ClientInterceptor, next connect.ClientFunc) connect.ClientFunc {
	for _, intercept := range slices.Backward(interceptors) {
		next = intercept(next)
	}
	return next
}
