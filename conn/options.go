package conn

import (
	"cmp"
	"context"
	"crypto/ed25519"
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
	"github.com/collectiverpc/collective/conn/internal/keys"
	"github.com/collectiverpc/collective/conn/internal/secret"
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
	// Linkless is how often in a second somebody at one address may ask for a connection without a link. Default 10.
	Linkless int
	// CatalogMethods is how many methods are remembered of all peers together. The catalog of a peer that exceeds it is
	// refused; those of peers that are away and have proved nothing make room. Default 250 000.
	CatalogMethods int
	// Dead is how many connections are remembered that are closed, failed, or stale and dialled by the other side: those
	// whose state changed last. They are forgotten after a day in any case. Default 256.
	Dead int
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Links:          cmp.Or(l.Links, 512),
		UnagreedPerIP:  cmp.Or(l.UnagreedPerIP, 16),
		OneWay:         cmp.Or(l.OneWay, 128),
		Dead:           cmp.Or(l.Dead, 256),
		Linkless:       cmp.Or(l.Linkless, 10),
		CatalogMethods: cmp.Or(l.CatalogMethods, 250_000),
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
	key        ed25519.PrivateKey
	secrets    func() [][]byte
	unbound    bool
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

// WithKey is the key by which this collector proves who it is. Peers remember it at the first agreement and then refuse
// another under the same id, so it must be the same at each start. Default: the store's, in the file PATH.key beside the
// database, made at the first start; without a store, or with one in memory, a key that ends with the [Manager] and that
// peers do not remember.
func WithKey(key ed25519.PrivateKey) Option {
	return optionFunc(func(o *options) { o.key = slices.Clone(key) })
}

// WithMeshSecret links only with those who know one of the secrets, of which each has at least 32 random bytes; a proof of
// it does not show it. secrets is asked at each link, may be asked concurrently, and answers at most four: during a rotation
// the new one and the one before, so that both are taken. [MeshSecretFile] reads them from a file. Connect without a link
// proves nothing and is refused, unless [WithIdentity] has a certificate for it. Default: none, and then links come from
// this machine only, unless WithIdentity proves who they are.
func WithMeshSecret(secrets func() [][]byte) Option {
	return optionFunc(func(o *options) { o.secrets = secrets })
}

// WithUnboundLinks lets links pass something that ends TLS between two collectors, such as a proxy that routes by path: their
// proofs are not tied to the TLS connection, so whatever ends it could pass a link on to elsewhere, and read and change what
// crosses. Both sides need it if both speak TLS. Default: such a link is refused by both.
func WithUnboundLinks() Option {
	return optionFunc(func(o *options) { o.unbound = true })
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
	agreeTimeout = 5 * time.Second  // for an accepted link to agree on a connection, and for the peer to end the one that it has replaced
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

// ownKey is the key of this collector, and whether it ends with this run.
func (o *options) ownKey() (key ed25519.PrivateKey, ephemeral bool, err error) {
	if o.key != nil {
		if len(o.key) != ed25519.PrivateKeySize {
			return nil, false, fmt.Errorf("WithKey: the key has %d bytes, want %d", len(o.key), ed25519.PrivateKeySize)
		}
		return o.key, false, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	if key, err = o.store.OwnKey(ctx); err != nil || key != nil {
		return key, false, err
	}
	key, err = keys.Make()
	return key, true, err
}

// checkSecrets refuses secrets that could be guessed.
func (o *options) checkSecrets() error {
	if o.secrets == nil {
		return nil
	}
	all := o.secrets()
	if len(all) == 0 || len(all) > secret.Most {
		return fmt.Errorf("WithMeshSecret: there are %d secrets, want 1 to %d", len(all), secret.Most)
	}
	for i, s := range all {
		if err := secret.Check(s); err != nil {
			return fmt.Errorf("WithMeshSecret: secret %d: %w", i+1, err)
		}
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
