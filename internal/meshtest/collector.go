// Package meshtest starts collectors on ports of loopback, for tests and for the programs that tests run. It has the
// service that most of them host, too.
package meshtest

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/collectiverpc/collective/dispatcher"
)

// Patience is how long a test waits for what must come.
// It is far more than anything takes: a test waits for it only when it fails, so a slow machine fails none.
const Patience = 10 * time.Second

// Collector is a collector that serves a port of loopback.
// The address is free of other tests, so any number of them run at the same time.
type Collector struct {
	*dispatcher.Dispatcher
	Address string
	HTTP    *http.Server // serves the port

	stopped chan struct{}
}

// Serve starts a collector that is stopped when the test ends. A stop that fails, fails the test.
// Options come after those that every test wants, and may undo them.
func Serve(t testing.TB, id string, namespaces []string, opts ...dispatcher.Option) *Collector {
	t.Helper()
	c, err := Start(id, namespaces, nil, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Errorf("stopping collector %s: %v", id, err)
		}
	})
	return c
}

// Start starts a collector, under TLS if tlsConfig is not nil. It logs only if opts give it a logger.
// It is for programs without a test; whoever starts one stops it.
func Start(id string, namespaces []string, tlsConfig *tls.Config, opts ...dispatcher.Option) (*Collector, error) {
	nothing := func(*dispatcher.Dispatcher) error { return nil }
	return startAt("127.0.0.1:0", id, namespaces, tlsConfig, nothing, opts...)
}

// StartAt starts a collector as a program does: at an address that others know, and with all that prepare registers and
// resumes there before the first request is accepted.
// It is for collectors that are started again at the address of an earlier run.
func StartAt(
	address, id string, namespaces []string, prepare func(*dispatcher.Dispatcher) error, opts ...dispatcher.Option,
) (*Collector, error) {
	return startAt(address, id, namespaces, nil, prepare, opts...)
}

// startAt listens first, so that the collector knows its own address before anybody else does. On an error nothing is left
// running.
func startAt(
	address, id string, namespaces []string, tlsConfig *tls.Config, prepare func(*dispatcher.Dispatcher) error,
	opts ...dispatcher.Option,
) (*Collector, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	address = listener.Addr().String()
	quiet := dispatcher.WithLogger(slog.New(slog.DiscardHandler))
	d, err := dispatcher.New(id, address, namespaces, slices.Concat([]dispatcher.Option{quiet}, opts)...)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	if err := prepare(d); err != nil {
		return nil, errors.Join(err, listener.Close(), d.Shutdown(context.Background()))
	}
	c := &Collector{d, address, d.Server(d.Handler(), tlsConfig), make(chan struct{})}
	go c.serve(d.Listener(listener))
	return c, nil
}

// serve ends when the server is closed, whose error says just that.
func (c *Collector) serve(listener net.Listener) {
	defer close(c.stopped)
	if c.HTTP.TLSConfig != nil {
		_ = c.HTTP.ServeTLS(listener, "", "")
		return
	}
	_ = c.HTTP.Serve(listener)
}

// Kill ends the collector as if its machine were gone: its connections break, nobody is told why. It may be called again.
// What was not written yet is lost, as it would be there.
func (c *Collector) Kill() error {
	_ = c.HTTP.Close()
	c.Connections().Close()
	return c.Stop()
}

// Stop ends the links, for which it waits for [Patience], then the server at once. It may be called again.
// It returns what failed to end in time; nothing of the collector runs after it.
func (c *Collector) Stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	err := c.Shutdown(ctx)
	_ = c.HTTP.Close()
	<-c.stopped
	return err
}
