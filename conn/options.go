package conn

import (
	"crypto/tls"
	"log/slog"
	"net/netip"
	"slices"

	"github.com/collectiverpc/collective/conn/link"
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
	if l.Links == 0 {
		l.Links = 512
	}
	if l.UnagreedPerIP == 0 {
		l.UnagreedPerIP = 16
	}
	if l.OneWay == 0 {
		l.OneWay = 128
	}
	if l.Dead == 0 {
		l.Dead = 256
	}
	return l
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
	return optionFunc(func(o *options) { o.tls = config.Clone() })
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
