package conn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"syscall"

	"connectrpc.com/connect/v2"

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

// dialStream is how a manager dials; tests put a network in memory in its place. The second carrier is for ways on which
// something refuses the first; the next dial begins with the first again.
func (m *Manager) dialStream(ctx context.Context, address string) (io.ReadWriteCloser, error) {
	stream, refused := link.DialUpgradeWith(ctx, m.dialer(), address, m.tls)
	if !errors.Is(refused, link.ErrUpgradeRefused) {
		return stream, refused
	}
	once := m.http2(nil)
	once.DisableKeepAlives = true // the connection ends with the stream
	stream, err := link.DialCarry(ctx, withoutRedirects(once), m.baseURL(address))
	if err != nil {
		return nil, refusedTwice(refused, err)
	}
	m.logger.Info("the link is carried by an RPC, which costs more", "address", address, "because", refused)
	return stream, nil
}

// refusedTwice is what is wrong when neither carrier works. A collector that has the second and does not want the link
// has the last word.
func refusedTwice(upgrade, carry error) error {
	verdict, ok := errors.AsType[*connect.Error](carry)
	if ok && verdict.IsRemote() && !errors.Is(carry, link.ErrUpgradeRefused) {
		return reauthored(carry)
	}
	return fmt.Errorf("%w; %w", upgrade, carry)
}
