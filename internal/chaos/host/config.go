package host

import (
	"log/slog"
	"os"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/store"
)

// Namespace is where everything of the rig is served.
const Namespace = "work"

// Config says what a host is. It is the first line of its standard input, as JSON.
type Config struct {
	ID      string
	Listen  string // host:port
	Store   string // the file of the collector
	Ledger  string // the directory to which its runs are written
	Secret  string // the file with the mesh secret
	Workers int    // 0 for as many as there are calls
	// MaxCalls is how many calls of a peer it takes at once; 0 for the default.
	MaxCalls int
	// Crowd is how many collectors there are, beside each other; 0 for a host.
	Crowd int
	// Join is the collector that those of a crowd connect to.
	Join string
}

// open makes a collector. It has closed its store when the second result has returned.
func (c *Config) open() (*dispatcher.Dispatcher, func() error, error) {
	file, err := store.Open(c.Store)
	if err != nil {
		return nil, nil, err
	}
	d, err := c.collector(c.ID, c.Listen, dispatcher.WithStore(file))
	if err != nil {
		_ = file.Close()
		return nil, nil, err
	}
	return d, file.Close, nil
}

// collector makes one that trusts whoever knows the secret.
func (c *Config) collector(id, listen string, opts ...dispatcher.Option) (*dispatcher.Dispatcher, error) {
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	secrets, err := conn.MeshSecretFile(c.Secret, logger)
	if err != nil {
		return nil, err
	}
	guard, err := access.New(access.WithAnonymous())
	if err != nil {
		return nil, err
	}
	return dispatcher.New(id, listen, []string{Namespace}, append(opts, dispatcher.WithAccess(guard),
		dispatcher.WithPlaintext(), dispatcher.WithLogger(logger), dispatcher.WithConn(conn.WithMeshSecret(secrets)),
		dispatcher.WithLimits(dispatcher.Limits{Link: link.Limits{MaxCalls: c.MaxCalls}}))...)
}
