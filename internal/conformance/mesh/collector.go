package mesh

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/collectiverpc/collective/dispatcher"
)

const (
	// Namespace is where everything is registered.
	Namespace = "conformance"
	// patience bounds what takes milliseconds.
	patience = 10 * time.Second
)

// Limits let a collector behave as a server without limits of its own does: no time is added to a call or taken from
// it, and requests are bounded only if the suite asks for it, with receiveLimit > 0.
func Limits(receiveLimit int) dispatcher.Limits {
	return dispatcher.Limits{DefaultTimeout: -1, MaxTimeout: -1, RequestBytes: receiveLimit}
}

// Collector is a collector that serves a port on loopback.
type Collector struct {
	*dispatcher.Dispatcher
	Address string

	server  *http.Server
	stopped chan struct{}
}

// Start starts a collector with what register registers in it, if not nil. Clients must use TLS if config is not nil.
func Start(
	ctx context.Context, id string, limits dispatcher.Limits, config *tls.Config, register func(*dispatcher.Dispatcher) error,
) (*Collector, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := listener.Addr().String()
	d, err := dispatcher.New(id, address, []string{Namespace},
		dispatcher.WithLimits(limits), dispatcher.WithLogger(slog.New(slog.DiscardHandler)))
	if err == nil && register != nil {
		err = register(d)
	}
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	c := &Collector{d, address, d.Server(d.Handler(), config), make(chan struct{})}
	go c.serve(d.Listener(listener))
	return c, nil
}

func (c *Collector) serve(listener net.Listener) {
	defer close(c.stopped)
	if c.server.TLSConfig != nil {
		_ = c.server.ServeTLS(listener, "", "")
		return
	}
	_ = c.server.Serve(listener)
}

// Join connects a collector to the one at address and waits until it knows that procedure is served there.
func Join(ctx context.Context, d *dispatcher.Dispatcher, address, procedure string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	res, err := d.ConnectTo(ctx, address, nil)
	if err != nil {
		return err
	}
	if res.GetStatus().GetCode() != http.StatusOK {
		return fmt.Errorf("connecting to %s: %s", address, res.GetStatus().GetMessage())
	}
	for {
		changed := d.Connections().Changed()
		if len(d.Connections().Table().Serving(Namespace, procedure)) > 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%s did not hear from %s of %s: %w", d.ID(), address, procedure, ctx.Err())
		}
	}
}

// Stop ends the collector at once.
func (c *Collector) Stop() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_ = c.server.Close()
	_ = c.Shutdown(ctx)
	<-c.stopped
}
