package conn

import (
	"context"
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
	s, err := m.upgrade(ctx, address)
	if err != nil {
		m.releaseUnagreed("")
	}
	return s, err
}

func (m *Manager) upgrade(ctx context.Context, address string) (*session, error) {
	stream, err := link.DialUpgradeWith(ctx, m.dialer(), address, m.tls)
	if err != nil {
		return nil, err
	}
	return m.newSession(ctx, stream, true, "")
}
