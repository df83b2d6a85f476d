package host

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/dispatcher"
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
	Examples   []string // services of examples/shop to host, each in the namespace of its name
	// History is how many finished calls are kept in the store's file, none of them longer than HistoryAge; 0 for none.
	History    int
	HistoryAge time.Duration
	// Limits are those of the dispatcher. SchemaFileBytes and SchemaBytes bound what is registered here too.
	Limits dispatcher.Limits
	// Fault makes an example fail on purpose.
	Fault Fault
	// ListenTLS is the certificate of the listener; nil for plaintext.
	ListenTLS *tls.Config
	// DialTLS is used to dial other collectors; nil for plaintext.
	DialTLS *tls.Config
	// Identity is how the certificates of ListenTLS and DialTLS, and of other collectors, name their collector; nil if
	// links need none.
	Identity conn.Identity
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

// RefusedError is a configuration that will not be run, with what to do instead.
type RefusedError struct {
	What string
	Hint []string
}

func (e *RefusedError) Error() string { return e.What }

func refusedf(format string, args ...any) *RefusedError {
	return &RefusedError{What: fmt.Sprintf(format, args...)}
}

// check refuses what must not run, before anything is touched.
func (c *Config) check() error {
	if err := c.checkExamples(); err != nil {
		return err
	}
	for _, address := range c.Join {
		if _, _, err := net.SplitHostPort(address); err != nil {
			return refusedf("--join %q: want host:port", address)
		}
	}
	if !slices.Contains(ConsoleModes(), c.console()) {
		return refusedf("--console %s is unknown: want %s", c.Console, strings.Join(ConsoleModes(), ", "))
	}
	if c.History < 0 || c.HistoryAge < 0 {
		return refusedf("--history %d, --history-age %v: want nothing negative", c.History, c.HistoryAge)
	}
	if c.History > 0 && c.Store == InMemory {
		return &RefusedError{What: "--history keeps calls in the file of --db, and there is none", Hint: []string{"--db FILE"}}
	}
	if c.Limits.Streams < 0 || c.Limits.Streams > math.MaxInt32 {
		return refusedf("--max-streams %d: want how many calls one connection may have at once, 0 for the default", c.Limits.Streams)
	}
	if c.Fault.Percent < 0 || c.Fault.Percent > 100 {
		return refusedf("--example-fault %d: want a percentage, 0 to 100", c.Fault.Percent)
	}
	if err := c.checkIdentity(); err != nil {
		return err
	}
	if err := c.checkBasePath(); err != nil {
		return err
	}
	return c.checkListen()
}

// checkIdentity refuses to show certificates that nobody would take for this collector's.
func (c *Config) checkIdentity() error {
	if c.Identity == nil {
		return nil
	}
	for _, own := range []struct {
		flag   string
		config *tls.Config
	}{{"--tls-cert", c.ListenTLS}, {"--cert", c.DialTLS}} {
		if own.config == nil {
			return refusedf("%s: there is none to prove who this collector is", own.flag)
		}
		if err := c.Identity.Check(own.config, c.ID); err != nil {
			return refusedf("%s: %v", own.flag, err)
		}
	}
	return nil
}

func (c *Config) checkListen() error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return refusedf("--listen %q: want host:port, such as 127.0.0.1:50051", c.Listen)
	}
	if c.ListenTLS != nil || c.AllowPlaintext || isLoopback(host) {
		return nil
	}
	return &RefusedError{
		What: fmt.Sprintf("--listen %s is beyond loopback without TLS: anyone on the network could read and make calls", c.Listen),
		Hint: []string{
			"--tls-cert FILE --tls-key FILE     # serve it with TLS",
			"--listen 127.0.0.1:50051           # or for this machine only",
			"--allow-plaintext                  # or do it all the same",
		},
	}
}

// isLoopback is false for names other than localhost: what they resolve to may change.
func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}

func (c *Config) checkExamples() error {
	for _, name := range c.Examples {
		if !slices.Contains(ExampleNames(), name) {
			return refusedf("--example %s is unknown: want %s", name, strings.Join(ExampleNames(), ", "))
		}
	}
	return nil
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

// asRefused makes a refusal of an error that is about the configuration.
func asRefused(err error) error {
	if err == nil {
		return nil
	}
	return &RefusedError{What: strings.ReplaceAll(err.Error(), "\n", "; ")}
}

// IsRefused returns the refusal in an error's chain.
func IsRefused(err error) (*RefusedError, bool) { return errors.AsType[*RefusedError](err) }
