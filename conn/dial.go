package conn

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"syscall"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/carrier"
	"github.com/collectiverpc/collective/internal/status"
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

// dialLink dials a link and greets. The error of a peer that takes no links is carrier.ErrRefused.
func (m *Manager) dialLink(ctx context.Context, w wish) (*session, error) {
	if err := m.admit(""); err != nil {
		return nil, err
	}
	expected := newPin(w.peer)
	stream, err := m.dial(ctx, w.address, expected)
	if err != nil {
		m.releaseUnagreed("")
		return nil, expected.verdict(err)
	}
	s, err := m.newSession(ctx, stream, source{dialed: true, proven: expected.proven()})
	if err != nil {
		m.releaseUnagreed("")
	}
	return s, err
}

// dialStream is how a manager dials; tests put a network in memory in its place. The second carrier is for ways on which
// something refuses the first; the next dial begins with the first again.
func (m *Manager) dialStream(ctx context.Context, address string, expected *pin) (io.ReadWriteCloser, error) {
	stream, refused := carrier.DialUpgrade(ctx, m.dialer(), address, m.tlsFor(expected))
	if !errors.Is(refused, carrier.ErrRefused) {
		return stream, refused
	}
	once := m.http2(nil, expected)
	once.DisableKeepAlives = true // the connection ends with the stream
	stream, err := carrier.DialCarry(ctx, withoutRedirects(once), m.baseURL(address))
	if err != nil {
		return nil, refusedTwice(refused, m.explainCarry(ctx, address, expected, err))
	}
	m.logger.Info("the link is carried by an RPC, which costs more", "address", address, "because", refused)
	return stream, nil
}

// explainCarry looks for the reason if an RPC over TLS got no answer. A server that refuses the certificate of this side
// says so by an alert while the HTTP client is writing, which may not see it.
func (m *Manager) explainCarry(ctx context.Context, address string, expected *pin, err error) error {
	if m.tls == nil || answered(err) || errors.Is(err, carrier.ErrCertificateRefused) {
		return err
	}
	return cmp.Or(m.firstAlert(ctx, address, expected), err)
}

func answered(err error) bool {
	verdict, ok := errors.AsType[*connect.Error](err)
	return ok && verdict.IsRemote()
}

// firstAlert connects and writes nothing, to read how the server begins. It returns carrier.ErrCertificateRefused or nil.
func (m *Manager) firstAlert(ctx context.Context, address string, expected *pin) error {
	config := m.tlsFor(expected)
	config.NextProtos = []string{"h2"} // in which servers speak first
	stream, err := (&tls.Dialer{NetDialer: m.dialer(), Config: config}).DialContext(ctx, "tcp", address)
	if err != nil {
		return carrier.CertificateRefusal(err)
	}
	defer stream.Close()
	if err := stream.SetReadDeadline(time.Now().Add(alertTimeout)); err != nil {
		return nil //nolint:nilerr // it is over
	}
	_, err = stream.Read(make([]byte, 1))
	return carrier.CertificateRefusal(err)
}

// refusedTwice is what is wrong when neither carrier works. A collector that has the second and does not want the link
// has the last word.
func refusedTwice(upgrade, carry error) error {
	if errors.Is(carry, carrier.ErrCertificateRefused) {
		return carry
	}
	if answered(carry) && !errors.Is(carry, carrier.ErrRefused) {
		return status.Reauthor(carry)
	}
	return fmt.Errorf("%w; %w", upgrade, carry)
}
