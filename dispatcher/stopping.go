package dispatcher

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// serving is servers that run, with the collector behind it.
type serving struct {
	self     string
	log      *slog.Logger
	servers  []*http.Server
	shutdown func(context.Context) error // of the collector
}

// checkListener refuses to show calls to a network.
func checkListener(self string, listener net.Listener, tlsConfig *tls.Config) error {
	address, ok := listener.Addr().(*net.TCPAddr)
	if tlsConfig != nil || !ok || address.IP.IsLoopback() {
		return nil
	}
	return fmt.Errorf("collector %q does not listen at %s without TLS: everybody on the way could read and change its calls; "+
		"give a certificate, listen at 127.0.0.1, or allow it by dispatcher.WithPlaintext", self, address)
}

func serveOn(server *http.Server, listener net.Listener) error {
	if server.TLSConfig != nil {
		return server.ServeTLS(listener, "", "")
	}
	return server.Serve(listener)
}

// stop says goodbye to the peers, so that they go elsewhere, and then waits for the calls that came in here. What is left
// after the grace is cut off.
func (s *serving) stop(ctx context.Context, grace time.Duration) error {
	s.log.Info("draining", "collector", s.self, "grace", grace)
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	err := s.shutdown(ctx)
	if shutdownAll(ctx, s.servers) != nil {
		s.log.Warn("calls were still running and are cut off", "collector", s.self)
		closeAll(s.servers) // they have had their time
	}
	s.log.Info("stopped", "collector", s.self)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("calls from or to peers were still running after the grace of %v and were cut off: %w", grace, err)
	}
	return err
}

// shutdownAll has all servers stop at the same time, since they have one grace.
func shutdownAll(ctx context.Context, servers []*http.Server) error {
	var group errgroup.Group
	for _, server := range servers {
		group.Go(func() error { return server.Shutdown(ctx) })
	}
	return group.Wait()
}

// closeAll ends servers at once.
func closeAll(servers []*http.Server) {
	for _, server := range servers {
		_ = server.Close() // nobody waits for the answer
	}
}
