package conn

import (
	"context"
	"io"
	"net"
	"net/netip"
	"syscall"

	"github.com/collectiverpc/collective/conn/link"
)

// dialer refuses plaintext beyond loopback unless it is allowed. It looks at the address that the name resolved to, so
// a name cannot mislead it.
func (m *Manager) dialer() *net.Dialer {
	return &net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
		return m.checkPlaintext(address)
	}}
}

func (m *Manager) checkPlaintext(resolved string) error {
	if m.tls != nil || m.plaintext {
		return nil
	}
	to, err := netip.ParseAddrPort(resolved)
	if err != nil || !to.Addr().Unmap().IsLoopback() {
		return errPlaintext
	}
	return nil
}

// dialLink dials a link and greets. The error of a peer that takes no links is link.ErrUpgradeRefused.
func (m *Manager) dialLink(ctx context.Context, address string) (*session, error) {
	if err := m.admit(""); err != nil {
		return nil, err
	}
	stream, err := m.dial(ctx, address)
	if err != nil {
		m.releaseUnagreed("")
		return nil, err
	}
	s, err := m.newSession(ctx, stream, true, "")
	if err != nil {
		m.releaseUnagreed("")
	}
	return s, err
}

// dialUpgrade is how a manager dials; tests put a network in memory in its place.
func (m *Manager) dialUpgrade(ctx context.Context, address string) (io.ReadWriteCloser, error) {
	return link.DialUpgradeWith(ctx, m.dialer(), address, m.tls)
}
