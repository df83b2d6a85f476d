package dispatcher

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/collectiverpc/collective/dispatcher/internal/authz"
)

// Serving says how [Dispatcher.ServeListener] serves. The zero value is what most programs want.
type Serving struct {
	// TLS has the certificate of the listener. Default: plaintext, which is refused beyond loopback, see [WithPlaintext].
	TLS *tls.Config
	// Handler answers the requests. Default: [Dispatcher.Handler]; another one usually has that inside.
	Handler http.Handler
	// Grace is how long running calls have when it stops. Default 10 s.
	Grace time.Duration
	// Socket is the path of a unix socket for operators, by which the user who runs this process, and root, may do everything
	// without credentials; [NoSocket] makes none. The directory must belong to that user and have the mode 0700. Default: one
	// that is named after the address of the listener, in the first that can be used of $XDG_RUNTIME_DIR/collective,
	// ~/.local/state/collective and collective_UID where temporary files are; there is none if that fails, which the log
	// says, nor for a listener that is not TCP. It is removed at the end.
	Socket string
	// Joined is closed when the program has connected to those it connects to at its start, see [Dispatcher.Resume].
	// Default: it is not waited for.
	Joined <-chan struct{}
	// Ready is called once, when requests are accepted. Default: the log says how links and callers are authenticated and which
	// limits are in force; a program with a Ready of its own has these from [Dispatcher.Posture].
	Ready func()
	// CutOff, when it is closed, ends the collector as if its machine were gone: without a goodbye, without waiting for
	// calls. Default: never.
	CutOff <-chan struct{}
}

// ListenAndServe listens at address, host:port, and is [Dispatcher.ServeListener] from there. It is what a program without
// needs of its own does. When it cannot listen, it returns why and the dispatcher is as before.
func (d *Dispatcher) ListenAndServe(ctx context.Context, address string, tlsConfig *tls.Config, grace time.Duration) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return d.ServeListener(ctx, listener, Serving{TLS: tlsConfig, Grace: grace})
}

// ServeListener brings the connections of earlier runs back, see [Dispatcher.Resume], serves the collector on a listener
// until ctx is done, and then stops it in order, within the grace: peers and clients are told to go elsewhere, what came in is
// answered, the links end, and it returns as soon as all that is done. It returns nil when it was stopped by ctx and every
// call had its time, and an error that is [context.DeadlineExceeded] when calls were cut off. A listener beyond loopback
// without TLS is refused unless [WithPlaintext] is given. Whatever it returns, the listener is closed and the dispatcher shut down.
func (d *Dispatcher) ServeListener(ctx context.Context, listener net.Listener, how Serving) error {
	life := context.WithoutCancel(ctx)
	how.Grace = cmp.Or(how.Grace, 10*time.Second)
	var err error
	if !d.plaintext {
		err = checkListener(d.id, listener, how.TLS)
	}
	if err == nil {
		err = d.Resume(life, how.Joined)
	}
	if err != nil {
		return errors.Join(err, listener.Close(), d.Shutdown(life))
	}
	handler := how.Handler
	if handler == nil {
		handler = d.Handler()
	}
	running := &serving{d: d}
	failed := running.begin(d.Server(handler, how.TLS), listener)
	if socket := d.openSocket(ctx, how.Socket, listener.Addr()); socket != nil {
		running.begin(d.Server(withoutLinks(handler), nil), socket)
	}
	d.log.Info("listening", "collector", d.id, "address", listener.Addr().String(), "tls", how.TLS != nil)
	if how.Ready == nil {
		how.Ready = func() { d.Posture().log(d.log, d.id) }
	}
	how.Ready()
	select {
	case err = <-failed:
		err = fmt.Errorf("serving %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	case <-how.CutOff:
		return running.abandon(life)
	}
	return errors.Join(err, running.stop(life, how.Grace))
}

// begin serves on a listener. What it returns gets why that ended.
func (s *serving) begin(server *http.Server, on net.Listener) <-chan error {
	listener := s.d.Listener(on)
	s.servers, s.listeners = append(s.servers, server), append(s.listeners, listener)
	ended := make(chan error, 1)
	go func() {
		if server.TLSConfig != nil {
			ended <- server.ServeTLS(listener, "", "")
			return
		}
		ended <- server.Serve(listener)
	}()
	return ended
}

// Server returns an HTTP server for a handler, usually [Dispatcher.Handler], with the limits of this collector: HTTP/1.1
// and HTTP/2, without TLS too, or with TLS if tlsConfig is not nil. It is for programs that run servers of their own; others
// call [Dispatcher.ServeListener]. Its caller listens, best through [Dispatcher.Listener], calls [Dispatcher.Resume], serves,
// and stops with [Dispatcher.Leave] first, then with the server's Shutdown and [Dispatcher.Shutdown] at the same time.
//
// When it is shut down, grpc.health.v1 of the collector turns to not serving.
//
// It has no timeout for a whole request or answer, which would end streams.
func (d *Dispatcher) Server(handler http.Handler, tlsConfig *tls.Config) *http.Server {
	server := d.port.Server(handler, tlsConfig)
	authz.Remember(server)
	server.RegisterOnShutdown(d.drain) // or a health check that watches would keep it from ending
	return server
}

// Listener bounds how many connections of a listener are open at once to [Limits.Connections], so that nobody waits: it says
// which give way. A connection that became a link does not count.
func (d *Dispatcher) Listener(inner net.Listener) net.Listener { return d.port.Listener(inner) }
