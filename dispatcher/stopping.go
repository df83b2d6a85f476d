package dispatcher

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// lastFlush is how long after the last byte of an answer net/http may take to give it to the system.
const lastFlush = 20 * time.Millisecond

// serving is servers that run, with the collector behind them.
type serving struct {
	d         *Dispatcher
	servers   []*http.Server
	listeners []net.Listener
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

// stop stops in order, within the grace: nobody listens any more, peers and clients are told, the calls that came in are
// answered, each with word to go elsewhere, those who asked nothing get it, then the links end, and then what is left. What still
// runs after the grace is cut off.
func (s *serving) stop(ctx context.Context, grace time.Duration) error {
	s.d.log.Info("draining", "collector", s.d.id, "grace", grace)
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	s.d.drain() // who asks for the health on a connection that is there hears it
	for _, listener := range s.listeners {
		_ = listener.Close() // it is closed in any case
	}
	s.d.Leave()
	s.rest(ctx, grace-grace/10)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_ = shutdownAll(ctx, s.servers) // connections may stay open a second after the last answer, which nobody waits for
	}()
	s.d.port.SentAway(ctx)
	err := s.d.Shutdown(ctx)
	s.d.port.Finish(ctx) // with those whose links have ended
	if ctx.Err() != nil {
		s.d.log.Warn("calls were still running and are cut off", "collector", s.d.id)
	}
	select {
	case <-time.After(lastFlush):
	case <-ctx.Done():
	}
	closeAll(s.servers)
	cancel()
	<-stopped
	s.d.log.Info("stopped", "collector", s.d.id)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("calls from or to peers were still running after the grace of %v and were cut off: %w", grace, err)
	}
	return err
}

// rest waits until no client is about to ask, at most so long.
func (s *serving) rest(ctx context.Context, most time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	s.d.port.Rest(ctx)
}

// abandon ends at once, as a machine that is gone does.
func (s *serving) abandon(ctx context.Context) error {
	s.d.conns.Close()
	closeAll(s.servers) // nobody is left to tell
	return s.d.end(ctx)
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
