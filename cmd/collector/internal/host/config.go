package host

import (
	"crypto/tls"
	"log/slog"
	"slices"
	"time"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/internal/watch"
)

// InMemory as [Config.Store] keeps nothing across a restart.
const InMemory = "memory"

// Config says what to run.
type Config struct {
	ID         string
	Listen     string // host:port; port 0 takes a free one
	Namespaces []string
	Store      string   // SQLite file, or InMemory
	Join       []string // addresses of collectors to connect to
	// MoreJoins brings further addresses while the collector runs; nil for none.
	MoreJoins <-chan string
	// Warnings are what its status warns of beside what it finds itself.
	Warnings []func() []string
	Examples []string // services of examples/shop to host, each in the namespace of its name
	// History is how many finished calls are kept in the store's file, none of them longer than HistoryAge; 0 for none.
	History    int
	HistoryAge time.Duration
	// Limits are those of the dispatcher. SchemaFileBytes and SchemaBytes bound what is registered here too.
	Limits dispatcher.Limits
	// Fault makes an example fail on purpose.
	Fault Fault
	// ListenTLS is the certificate of the listener; nil for plaintext.
	ListenTLS *tls.Config
	// DialTLS is asked at each dial of another collector; nil for plaintext.
	DialTLS func() *tls.Config
	// Reload has what SIGHUP reads again. Run adds to it what it opens itself. nil for nothing.
	Reload *watch.Hub
	// Identity is how the certificates of ListenTLS and DialTLS, and of other collectors, name their collector; nil if
	// links need none.
	Identity conn.Identity
	// MeshSecretFile has the secrets of the mesh, see [dispatcher.WithMeshSecretFile]; empty if links need none.
	MeshSecretFile string
	// UnboundLinks does not tie links to their TLS connections, see [conn.WithUnboundLinks].
	UnboundLinks bool
	// Access says who callers are and what they may do; nil for access.New(). Run closes it.
	Access *access.Guard
	// AllowPlaintext lets collectors and their calls cross the network unprotected.
	AllowPlaintext bool
	// Console is what browsers may do: ConsoleFull, ConsoleReadOnly or ConsoleOff. Empty for full on a loopback address
	// and off beyond it.
	Console string
	// BasePath is where a reverse proxy has the collector, such as /tools/mesh. Calls and the console are served below it
	// too; links are not.
	BasePath string
	// ConsoleHosts are names by which browsers may address this collector, beside loopback ones.
	ConsoleHosts []string
	// CORSOrigins are those of other web pages that may call methods.
	CORSOrigins []string
	// Grace is how long running calls have when the collector stops.
	Grace time.Duration
	// CutOff, when it is closed, ends the collector as if its machine were gone: without a goodbye, without waiting for
	// calls. nil for never.
	CutOff  <-chan struct{}
	Logger  *slog.Logger
	Version string
}

// namespaces are those given and those of the examples; the namespace "default" if there are none.
func (c *Config) namespaces() []string {
	all := slices.Concat(c.Namespaces, c.Examples)
	if len(all) == 0 {
		return []string{"default"}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
