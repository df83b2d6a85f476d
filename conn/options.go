package conn

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"connectrpc.com/connect/v2"
	"github.com/google/uuid"

	"github.com/collectiverpc/collective/conn/internal/introduction"
	records "github.com/collectiverpc/collective/conn/internal/store"
	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/internal/name"
)

// Option configures a [Manager].
type Option interface{ apply(*options) }

// Limits bound what a [Manager] takes on. A zero field means its default. How many connections it knows is fixed,
// see [MaxPeers].
type Limits struct {
	// Links in both directions, the ones that are being dialled or drained included. Default 512.
	Links int
	// UnagreedPerIP is how many links accepted from one address may be on the way to their agreement. Default 16.
	UnagreedPerIP int
	// OneWay is how many seed peers may be connected that this collector cannot call back. Beyond it the one that
	// connected first becomes stale. Default 128.
	OneWay int
	// Dead is how many connections are remembered that are closed, failed, or stale and dialled by the other side: those
	// whose state changed last. They are forgotten after a day in any case. Default 256.
	Dead int
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Links:         cmp.Or(l.Links, 512),
		UnagreedPerIP: cmp.Or(l.UnagreedPerIP, 16),
		OneWay:        cmp.Or(l.OneWay, 128),
		Dead:          cmp.Or(l.Dead, 256),
	}
}

// WithLimits bounds what the manager takes on. Default: the defaults of [Limits].
func WithLimits(limits Limits) Option {
	return optionFunc(func(o *options) { o.limits = limits })
}

type optionFunc func(*options)

func (f optionFunc) apply(o *options) { f(o) }

type options struct {
	logger     *slog.Logger
	tls        *tls.Config
	tlsSource  func() *tls.Config
	identity   Identity
	plaintext  bool
	handler    link.Handler
	consumers  link.Handler // nil: there are none
	limits     Limits
	linkLimits link.Limits
	dialBack   []netip.Prefix
	store      Store
}

// WithStore keeps connections in store. Default: in memory, so that a restart forgets them. The manager does not close
// the store.
func WithStore(store Store) Option {
	return optionFunc(func(o *options) { o.store = store })
}

// WithLogger sends logs to logger. Default: slog.Default().
func WithLogger(logger *slog.Logger) Option {
	return optionFunc(func(o *options) { o.logger = logger })
}

// WithTLS dials with TLS. Default: plaintext, to loopback addresses only.
func WithTLS(config *tls.Config) Option {
	return optionFunc(func(o *options) { o.tls, o.tlsSource = config.Clone(), nil })
}

// WithTLSSource dials with TLS, and asks source for the configuration of each dial, so that certificates and authorities
// can be renewed; see package certs. A connection to a seed peer keeps the authorities that it was made with. source is
// asked concurrently and must always have one. Default: see [WithTLS].
func WithTLSSource(source func() *tls.Config) Option {
	return optionFunc(func(o *options) { o.tls, o.tlsSource = source(), source })
}

// WithIdentity links only with collectors that prove by their certificate who they are; Connect without a link needs
// the same. identity, such as [SPIFFE], says which collector a certificate is of, and the collector has to go by that
// id: without a certificate it is refused as unauthenticated, with that of another as permission_denied. A collector
// that dials this one needs a client certificate, which the listener has to ask for and to verify (ClientAuth and
// ClientCAs of its tls.Config); one that is dialled needs such a server certificate, beside what [WithTLS] verifies.
// [NewManager] refuses it without WithTLS, or with certificates there that are not this collector's. Default: what
// others say of themselves is taken for true.
func WithIdentity(identity Identity) Option {
	return optionFunc(func(o *options) { o.identity = identity })
}

// WithPlaintext allows dialling without TLS beyond loopback. Default: such a dial is refused.
func WithPlaintext() Option {
	return optionFunc(func(o *options) { o.plaintext = true })
}

// WithLinkHandler serves the calls that arrive over links, after the manager has checked that their connection is
// agreed and their namespace shared; namespace "" is the collector's own services. Default: every call is refused as
// unimplemented.
func WithLinkHandler(handler link.Handler) Option {
	return optionFunc(func(o *options) { o.handler = handler })
}

// WithLinkLimits bounds what a link may hold. Default: the limits of package link.
func WithLinkLimits(limits link.Limits) Option {
	return optionFunc(func(o *options) { o.linkLimits = limits })
}

// WithDialBack lets the manager call a seed peer at the address it claimed when it connected, if that address resolves
// into one of the prefixes. Default: no claimed address is ever dialled, so seed peers can call this collector but are
// not called back.
func WithDialBack(prefixes ...netip.Prefix) Option {
	return optionFunc(func(o *options) { o.dialBack = slices.Clone(prefixes) })
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

// refuseCall is the default of [WithLinkHandler].
func refuseCall(_ context.Context, procedure string, _ *connect.CallInfo, _ connect.ServerStream) error {
	return connect.Errorf(connect.CodeUnimplemented, "this collector serves nothing over links, %s included", procedure)
}

// WithConsumers takes the calls of processes that only call, see [Self.Consumer], to handler, which has to find out where
// they go: namespaces are checked by nobody before. Namespace "" is the collector's own services or, for any other
// procedure, a namespace that the handler has to find. Such a process is in no [Table] and in no [Store]. Default: it is a
// peer that serves nothing.
func WithConsumers(handler link.Handler) Option {
	return optionFunc(func(o *options) { o.consumers = handler })
}

// MaxPeers is how many connections a manager knows. Beyond it, the one that has been dead for longest makes room.
const MaxPeers = records.MaxRecords

const (
	dialTimeout  = 10 * time.Second // for ConnectTo, dial to agreement, unless its context ends before
	drainTimeout = 10 * time.Second // for the calls of a link that is being replaced or disconnected
	storeTimeout = 10 * time.Second // for one write
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

// complete checks what it got and fills in the defaults.
func (s *Self) complete() (err error) {
	if err := name.CheckCollectorID(s.ID); err != nil {
		return err
	}
	if s.Namespaces, err = introduction.CleanNamespaces(s.Namespaces); err != nil {
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

// checkIdentity refuses what could never prove anything.
func (o *options) checkIdentity(self string) error {
	switch {
	case o.identity == nil:
		return nil
	case o.tls == nil:
		return errors.New("WithIdentity needs WithTLS: without TLS nobody who is dialled can prove anything")
	case o.tls.InsecureSkipVerify:
		return errors.New("WithIdentity needs certificates that are verified: leave InsecureSkipVerify off and give RootCAs")
	}
	if err := o.identity.Check(o.tls, self); err != nil {
		return fmt.Errorf("WithIdentity and WithTLS: %w", err)
	}
	return nil
}
