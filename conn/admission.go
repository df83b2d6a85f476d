package conn

import (
	"context"
	"io"
	"net"
	"net/http"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link"
)

// ServeHTTP accepts a link at [link.UpgradePath] and [link.CarryPath]. An upgrade returns when the stream is taken over,
// the RPC when the link has ended.
func (m *Manager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == link.CarryPath {
		m.carrier.ServeHTTP(w, r)
		return
	}
	from := hostOf(r.RemoteAddr)
	if err := m.admit(from); err != nil {
		w.Header().Set("Retry-After", "1")
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	stream, err := link.AcceptUpgrade(w, r)
	if err != nil {
		m.releaseUnagreed(from)
		return
	}
	m.welcome(stream, from)
}

// admitCarried is [Manager.admit] for the second carrier.
func (m *Manager) admitCarried(ctx context.Context) (take func(io.ReadWriteCloser), err error) {
	info, ok := connect.CallInfoForServerContext(ctx)
	if !ok {
		return nil, connect.NewError(connect.CodeInternal, "the call has no CallInfo")
	}
	from := hostOf(info.PeerAddr)
	if err := m.admit(from); err != nil {
		return nil, err
	}
	return func(stream io.ReadWriteCloser) { m.welcome(stream, from) }, nil
}

func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}

// welcome greets the other end of an accepted stream, unless this collector is stopping.
func (m *Manager) welcome(stream io.ReadWriteCloser, from string) {
	if !m.spawn(func() { m.greet(stream, from) }) {
		stream.Close()
		m.releaseUnagreed(from)
	}
}

// greet makes a session of an accepted stream. The other end has two seconds for its HELLO.
func (m *Manager) greet(stream io.ReadWriteCloser, from string) {
	if _, err := m.newSession(m.ctx, stream, false, from); err != nil {
		m.releaseUnagreed(from)
		m.logger.Info("link refused", "from", from, "error", err)
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
