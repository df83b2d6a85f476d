package dispatcher

import (
	"crypto/tls"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/certs"
	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/internal/descriptor"
	"github.com/collectiverpc/collective/internal/observe"
	"github.com/collectiverpc/collective/store"
)

// Option configures a [Dispatcher].
type Option interface{ apply(*options) }

type optionFunc func(*options)

func (f optionFunc) apply(o *options) { f(o) }

type options struct {
	validator     RegistryValidator
	file          *store.Store
	connections   conn.Store
	conn          []conn.Option
	log           *slog.Logger
	tls           *tls.Config
	limits        Limits
	server        []connect.ServerInterceptor
	client        []connect.ClientInterceptor
	sources       *descriptor.Sources
	guard         *access.Guard
	origins       []string
	console       Console
	hosts         []string
	version       string
	warnings      []func() []string
	observed      observe.Limits
	kept          observe.Retention
	noReflection  bool
	cookie        bool
	authorization bool
	plaintext     bool
	consumer      bool // see Dial
	zone          string
	secretFile    string
}

// WithRegistry asks validator before every call that runs here. Default: none is asked.
func WithRegistry(validator RegistryValidator) Option {
	return optionFunc(func(o *options) { o.validator = validator })
}

// WithStore keeps connections and their changes in file, as the one collector that does, until [Dispatcher.Shutdown]. The
// file stays the caller's to close, after that. Default: in memory, so that a restart forgets them.
func WithStore(file *store.Store) Option {
	return optionFunc(func(o *options) { o.file = file })
}

// WithConnectionStore keeps connections in a store of another kind than a file. Default: see [WithStore].
func WithConnectionStore(connections conn.Store) Option {
	return optionFunc(func(o *options) { o.connections = connections })
}

// WithConn passes further options to the connection manager, such as [conn.WithIdentity], by which collectors prove who
// they are, or [conn.WithDialBack]. Default: none.
func WithConn(opts ...conn.Option) Option {
	return optionFunc(func(o *options) { o.conn = append(o.conn, opts...) })
}

// WithLogger sends logs to logger. Default: slog.Default().
func WithLogger(logger *slog.Logger) Option {
	return optionFunc(func(o *options) { o.log = logger })
}

// WithTLS dials other collectors with TLS. Default: plaintext, to loopback addresses only. For the listening side give
// the configuration to [Dispatcher.Server]. Who the others are it leaves to their word, see [conn.WithIdentity].
func WithTLS(config *tls.Config) Option {
	return optionFunc(func(o *options) { o.tls = config.Clone() })
}

// WithTLSSource is [WithTLS] with certificates and authorities that can be renewed: source is asked for the configuration
// of each dial, concurrently, and must always have one. See package certs for one that follows files. Default: see WithTLS.
func WithTLSSource(source func() *tls.Config) Option {
	return optionFunc(func(o *options) {
		o.tls = source()
		o.conn = append(o.conn, conn.WithTLSSource(source))
	})
}

// WithCertificates dials other collectors with the certificates and authorities of a source, as [WithTLSSource] does with its
// Dial, and has the warnings of status say when its files cannot be used. To listen with them give its Listen to
// [Dispatcher.ListenAndServe]. The source is the caller's to close, after [Dispatcher.Shutdown]. Default: see [WithTLS].
func WithCertificates(source *certs.Source) Option {
	return optionFunc(func(o *options) {
		WithTLSSource(source.Dial).apply(o)
		WithWarnings(source.Warnings).apply(o)
	})
}

// WithMeshSecretFile links only with those who know a secret of a file, see [conn.WithMeshSecret] and [conn.MeshSecretFile].
// The collector follows the file from [New] to [Dispatcher.Shutdown]: one that cannot be used leaves the secrets of before in
// force, and is in the log and in the warnings of status. Default: none.
func WithMeshSecretFile(path string) Option {
	return optionFunc(func(o *options) { o.secretFile = path })
}

// WithPlaintext lets the collector listen and dial beyond loopback without TLS, so that everybody on the way can read and
// change its calls. Default: both are refused.
func WithPlaintext() Option {
	return optionFunc(func(o *options) {
		o.plaintext = true
		o.conn = append(o.conn, conn.WithPlaintext())
	})
}

// WithLimits changes limits; zero fields keep their defaults. Default: see [Limits].
func WithLimits(limits Limits) Option {
	return optionFunc(func(o *options) { o.limits = limits })
}

// WithServerInterceptors wraps, first outermost, every handler that runs here, every call that is forwarded from the
// native path, and the collector's own services. A call meets them once on the collector where it enters and once on
// the one that runs it. On forwarded calls messages are *link.Raw. Default: panic recovery only, which is always
// around them.
func WithServerInterceptors(interceptors ...connect.ServerInterceptor) Option {
	return optionFunc(func(o *options) { o.server = slices.Concat(o.server, interceptors) })
}

// WithClientInterceptors wraps, first outermost, the opening of every call on a peer, once per attempt. Default: none.
func WithClientInterceptors(interceptors ...connect.ClientInterceptor) Option {
	return optionFunc(func(o *options) { o.client = slices.Concat(o.client, interceptors) })
}

// WithoutReflection leaves the gRPC reflection services out. Default: they describe what can be called through this
// collector, here and on its peers.
func WithoutReflection() Option {
	return optionFunc(func(o *options) { o.noReflection = true })
}

// WithSources gives descriptors with comments, as buf build makes them, to answer in place of those compiled in, which
// have none. Default: none.
func WithSources(files *descriptorpb.FileDescriptorSet) Option {
	return optionFunc(func(o *options) { o.sources = descriptor.NewSources(files) })
}

// WithAccess says who callers are and what they may do, at every entrance and again where a call runs. The collector follows the
// files of the guard, its policies, API keys and JWKS, from [New] to [Dispatcher.Shutdown]: what cannot be used leaves what was
// read before in force, and is in the log and in the warnings of status. Several collectors may share a guard. Default: access.New(), by which anonymous callers may call and describe on loopback, and nothing beyond it;
// collectors that have proved who they are may serve and call; and nobody but this process may observe, register or operate.
func WithAccess(guard *access.Guard) Option {
	return optionFunc(func(o *options) { o.guard = guard })
}

// WithForwardedCookies lets the Cookie header of a call go to peers, and their Set-Cookie come back, so that any peer may
// write cookies of the address that browsers call. Default: both stop where the call enters.
func WithForwardedCookies() Option {
	return optionFunc(func(o *options) { o.cookie = true })
}

// WithForwardedAuthorization lets the Authorization header of a call go to every peer. Default: only to peers that this
// collector dialled on loopback or with TLS and, with [conn.WithIdentity], to all, which have then proved who they are.
// The log says once for each other peer that it gets none, and why.
func WithForwardedAuthorization() Option {
	return optionFunc(func(o *options) { o.authorization = true })
}

// WithVersion is what MeshService.GetStatus answers as version. Default: empty.
func WithVersion(version string) Option {
	return optionFunc(func(o *options) { o.version = version })
}

// WithWarnings adds to what MeshService.GetStatus warns of: each is one line, with what to do. further is called at each
// GetStatus, concurrently. Default: none.
func WithWarnings(further func() []string) Option {
	return optionFunc(func(o *options) { o.warnings = append(o.warnings, further) })
}

// WithHistory remembers this many finished calls one by one, for MeshService.ListDispatches and Watch. Default 8192,
// about 3 MB.
func WithHistory(calls int) Option {
	return optionFunc(func(o *options) { o.observed.Calls = calls })
}

// WithStoredHistory keeps at most this many finished calls, none of them longer than age, in the file of [WithStore], which
// it needs. Calls do not wait for it: they are written about once a second, those that come faster than the disk can take
// are counted as missed, and a crash loses the last second. About 250 bytes each. Default: 0 calls, and an age of 7 days;
// see [WithHistory] for what is in memory.
func WithStoredHistory(calls int, age time.Duration) Option {
	return optionFunc(func(o *options) { o.kept = observe.Retention{Calls: calls, Age: age} })
}

// Console is the pages that a collector shows to browsers on its own port. web.Config is one; a program that never names
// package web has none of its files.
type Console interface {
	// Mount returns what is served in place of next: the console where it is, next everywhere else. origins are those of
	// [WithCORSOrigins]. [New] calls it once, and fails with its error.
	Mount(next http.Handler, origins []string) (http.Handler, error)
}

// WithConsole shows a console in [Dispatcher.Handler], and so in [Dispatcher.ListenAndServe]:
//
//	dispatcher.New(id, address, namespaces, dispatcher.WithConsole(web.Config{}))
//
// The zero web.Config shows it at /console/ to browsers on the same machine, and refuses what pages of other sites make a
// browser send to any path of the port. Default: none. What pages of other sites make a browser send is refused without
// a console too, see [WithHosts].
func WithConsole(console Console) Option {
	return optionFunc(func(o *options) { o.console = console })
}
