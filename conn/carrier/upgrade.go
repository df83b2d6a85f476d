package carrier

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// The first carrier: an HTTP/1.1 Upgrade on the collector's own port, so that TLS, proxies and firewalls see one thing.
const (
	// UpgradePath is where a collector accepts links.
	UpgradePath = "/collector.link"
	// upgradeToken names the protocol and its version in the Upgrade header.
	upgradeToken = "collective-link/1"

	answerTimeout    = 2 * time.Second // of both carriers
	maxUpgradeAnswer = 32 << 10
)

// ErrRefused says that something answered, but not as a collector that accepts links.
var ErrRefused = errors.New("link: the other end does not accept links")

// ErrCertificateRefused says that the other end does not accept the certificate of this one, or that there is none.
var ErrCertificateRefused = errors.New("link: the other end refuses the certificate of this one")

// DialUpgrade dials a collector at address (host:port) and upgrades the connection, to a stream for link.Client. A nil
// tlsConfig means plain TCP. Redirects and proxies are not followed. The answer is bounded to 32 KiB, and to two seconds
// beside ctx; an answer other than the upgrade is [ErrRefused].
func DialUpgrade(ctx context.Context, dialer *net.Dialer, address string, tlsConfig *tls.Config) (io.ReadWriteCloser, error) {
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	stream, err := upgradeClient(ctx, conn, address, tlsConfig)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err == nil {
		return stream, nil
	}
	conn.Close()
	if ctx.Err() != nil {
		err = fmt.Errorf("no answer to the upgrade: %w", ctx.Err())
	}
	return nil, err
}

// upgradeClient asks for the upgrade. It does not close conn on an error.
func upgradeClient(ctx context.Context, conn net.Conn, address string, tlsConfig *tls.Config) (io.ReadWriteCloser, error) {
	if tlsConfig != nil {
		secure := tls.Client(conn, upgradeTLS(tlsConfig, address))
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, explainHandshake(err)
		}
		conn = secure
	}
	request := "POST " + UpgradePath + " HTTP/1.1\r\nHost: " + address + "\r\nConnection: Upgrade\r\nUpgrade: " +
		upgradeToken + "\r\nContent-Length: 0\r\n\r\n"
	_, sent := io.WriteString(conn, request) // who is refused by TLS may hear of it here; why is in the answer
	limited := &io.LimitedReader{R: conn, N: maxUpgradeAnswer}
	reader := bufio.NewReaderSize(limited, 4<<10)
	answer, err := http.ReadResponse(reader, &http.Request{Method: http.MethodPost})
	if err != nil {
		return nil, explainSilence(sent, err)
	}
	if answer.StatusCode != http.StatusSwitchingProtocols || !strings.EqualFold(answer.Header.Get("Upgrade"), upgradeToken) {
		return nil, fmt.Errorf("%w: it answered %s", ErrRefused, answer.Status)
	}
	return withBufferedBytes(conn, reader)
}

// explainHandshake finds the refusal of a server that speaks HTTP/2 alone. crypto/tls has no value for that alert.
func explainHandshake(err error) error {
	if strings.Contains(err.Error(), "no application protocol") {
		return fmt.Errorf("%w over HTTP/1.1: %w", ErrRefused, err)
	}
	return cmp.Or(CertificateRefusal(err), err)
}

// explainSilence says why there is no answer to an upgrade. sent is what became of the request.
func explainSilence(sent, err error) error {
	if refusal := CertificateRefusal(err); refusal != nil {
		return refusal
	}
	if sent != nil {
		return sent
	}
	return fmt.Errorf("%w: %w", ErrRefused, err)
}

// CertificateRefusal returns [ErrCertificateRefused] with err if that is a TLS alert about the certificate of this end,
// else nil. With TLS 1.3 the alert comes after the handshake, in place of the first bytes.
func CertificateRefusal(err error) error {
	alert, ok := errors.AsType[*net.OpError](err)
	if !ok || alert.Op != "remote error" || !strings.Contains(alert.Err.Error(), "certificate") {
		return nil // crypto/tls has no values for these alerts either
	}
	return fmt.Errorf("%w: %w", ErrCertificateRefused, err)
}

// upgradeTLS offers HTTP/1.1 only: an HTTP/2 connection cannot be upgraded.
func upgradeTLS(base *tls.Config, address string) *tls.Config {
	c := base.Clone()
	c.NextProtos = []string{"http/1.1"}
	if c.ServerName == "" && !c.InsecureSkipVerify {
		c.ServerName, _, _ = net.SplitHostPort(address)
	}
	return c
}

// withBufferedBytes returns conn with the bytes that reader has already taken from it put back.
func withBufferedBytes(conn net.Conn, reader *bufio.Reader) (io.ReadWriteCloser, error) {
	n := reader.Buffered()
	if n == 0 {
		return conn, nil
	}
	early := make([]byte, n)
	if _, err := io.ReadFull(reader, early); err != nil {
		return nil, err
	}
	return &earlyConn{Conn: conn, early: early}, nil
}

// earlyConn is a connection of which the first bytes have been read before.
type earlyConn struct {
	net.Conn
	early []byte
}

// Unwrap lets a link write to the socket itself, see link.Wrapper.
func (c *earlyConn) Unwrap() net.Conn { return c.Conn }

func (c *earlyConn) Read(b []byte) (int, error) {
	if len(c.early) == 0 {
		return c.Conn.Read(b)
	}
	n := copy(b, c.early)
	c.early = c.early[n:]
	return n, nil
}

// AcceptUpgrade turns a request for [UpgradePath] into the stream of a link. What is not exactly an upgrade to this
// protocol is answered with 426 or 400 and an error; nothing else may be written to w in either case. The caller owns
// the stream: net/http forgets it, together with its deadlines and limits.
func AcceptUpgrade(w http.ResponseWriter, r *http.Request) (io.ReadWriteCloser, error) {
	if status, reason := refuseUpgrade(r); reason != "" {
		w.Header().Set("Upgrade", upgradeToken)
		http.Error(w, reason, status)
		return nil, fmt.Errorf("%w: %s", ErrRefused, reason)
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, "this listener cannot carry links", http.StatusInternalServerError)
		return nil, fmt.Errorf("link: hijack: %w", err)
	}
	if err := answerUpgrade(conn); err != nil {
		conn.Close()
		return nil, err
	}
	return withBufferedBytes(conn, buffered.Reader)
}

// refuseUpgrade says why a request is no upgrade to this protocol; an empty reason if it is one. The check is exact: a proxy
// that changed anything is found out here and not by a broken link.
func refuseUpgrade(r *http.Request) (status int, reason string) {
	tokens := r.Header.Values("Upgrade")
	switch {
	case r.ProtoMajor != 1 || r.ProtoMinor != 1:
		return http.StatusUpgradeRequired, "links are opened over HTTP/1.1"
	case r.Method != http.MethodPost:
		return http.StatusMethodNotAllowed, "links are opened with POST"
	case len(tokens) != 1 || tokens[0] != upgradeToken || !strings.EqualFold(r.Header.Get("Connection"), "Upgrade"):
		return http.StatusUpgradeRequired, "this path takes Upgrade: " + upgradeToken
	case r.ContentLength != 0 || len(r.TransferEncoding) > 0:
		return http.StatusBadRequest, "an upgrade has no body"
	}
	return 0, ""
}

// answerUpgrade answers within a deadline, which is taken off again: the link has its own.
func answerUpgrade(conn net.Conn) error {
	if err := conn.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return err
	}
	_, err := io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+upgradeToken+"\r\n\r\n")
	if err != nil {
		return err
	}
	return conn.SetDeadline(time.Time{})
}
