package conn

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/collectiverpc/collective/conn/carrier"
)

// ServeHTTP accepts a link at [carrier.UpgradePath] and [carrier.CarryPath]. An upgrade returns when the stream is taken over,
// the RPC when the link has ended.
func (m *Manager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == carrier.CarryPath {
		m.carrier.ServeHTTP(w, r)
		return
	}
	src, err := m.admitFrom(r.RemoteAddr, r.TLS)
	if err != nil {
		refuseUpgrade(w, err)
		return
	}
	stream, err := carrier.AcceptUpgrade(w, r)
	if err != nil {
		m.releaseUnagreed(src.from)
		return
	}
	m.welcome(stream, src)
}

func refuseUpgrade(w http.ResponseWriter, err error) {
	if connect.CodeOf(err) == connect.CodeUnauthenticated {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	w.Header().Set("Retry-After", "1")
	http.Error(w, err.Error(), http.StatusServiceUnavailable)
}

// admitCarried is [Manager.admitFrom] for the second carrier.
func (m *Manager) admitCarried(ctx context.Context) (take func(io.ReadWriteCloser), err error) {
	info, ok := connect.CallInfoForServerContext(ctx)
	if !ok {
		return nil, connect.NewError(connect.CodeInternal, "the call has no CallInfo")
	}
	src, err := m.admitFrom(info.PeerAddr, tlsOf(ctx))
	if err != nil {
		return nil, err
	}
	return func(stream io.ReadWriteCloser) { m.welcome(stream, src) }, nil
}

// tlsOf is the state of the TLS connection that a call came over; nil if there is none.
func tlsOf(ctx context.Context) *tls.ConnectionState {
	info, _ := connecthttp.ServerInfoForContext(ctx)
	return info.TLS()
}

// admitFrom counts a link in that somebody else has dialled, or refuses it.
func (m *Manager) admitFrom(address string, state *tls.ConnectionState) (src source, err error) {
	src.from = hostOf(address)
	if src.proven, err = m.identify(state); err != nil {
		m.logger.Info("link refused", "from", src.from, "error", err)
		return src, err
	}
	return src, m.admit(src.from)
}

func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}

// welcome greets the other end of an accepted stream, unless this collector is stopping.
func (m *Manager) welcome(stream io.ReadWriteCloser, src source) {
	if !m.spawn(func() { m.greet(stream, src) }) {
		stream.Close()
		m.releaseUnagreed(src.from)
	}
}

// greet makes a session of an accepted stream. The other end has two seconds for its HELLO.
func (m *Manager) greet(stream io.ReadWriteCloser, src source) {
	if _, err := m.newSession(m.ctx, stream, src); err != nil {
		m.releaseUnagreed(src.from)
		m.logger.Info("link refused", "from", src.from, "error", err)
	}
}

// admit counts a link in, or refuses it. from is empty for a link that this collector dials.
func (m *Manager) admit(from string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.closing:
		return errStopping(m.self.ID)
	case m.links >= m.limits.Links:
		return connect.Errorf(connect.CodeResourceExhausted, "collector %q has %d links, which is all it may have", m.self.ID, m.limits.Links)
	case from != "" && m.unagreed[from] >= m.limits.UnagreedPerIP:
		return connect.Errorf(connect.CodeResourceExhausted,
			"%d links from %s wait for their agreement already: finish those first", m.limits.UnagreedPerIP, from)
	}
	m.links++
	if from != "" {
		m.unagreed[from]++
	}
	return nil
}

// agreedFrom notes that a link is no longer unagreed. m.mu is held.
func (m *Manager) agreedFrom(from string) {
	if m.unagreed[from]--; m.unagreed[from] <= 0 {
		delete(m.unagreed, from)
	}
}

// release counts a link out. m.mu is held.
func (m *Manager) release(from string, agreed bool) {
	m.links--
	if !agreed {
		m.agreedFrom(from)
	}
}

// releaseUnagreed counts out a link that never became a session.
func (m *Manager) releaseUnagreed(from string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.release(from, false)
}
