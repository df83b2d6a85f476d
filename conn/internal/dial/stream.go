package dial

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptrace"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/carrier"
	"github.com/collectiverpc/collective/conn/internal/identity"
	"github.com/collectiverpc/collective/internal/status"
)

// alertTimeout is for a server to say why it has ended a TLS connection.
const alertTimeout = 2 * time.Second

// Dial opens the byte stream of a link. The error of a server that takes no links is carrier.ErrRefused. The second
// carrier is for ways on which something refuses the first; the next dial begins with the first again.
// The stream is the caller's to close. ctx bounds the dial and not the stream.
func (d *Dialer) Dial(ctx context.Context, address string, expected *identity.Expected) (io.ReadWriteCloser, error) {
	stream, refused := carrier.DialUpgrade(ctx, d.guarded(nil), address, d.config(expected))
	if refused == nil {
		return reached(stream, expected)
	}
	if !errors.Is(refused, carrier.ErrRefused) {
		return nil, refused
	}
	once := d.HTTP2(nil, expected)
	once.DisableKeepAlives = true // the connection ends with the stream
	var over net.Conn             // the HTTP client does not tell otherwise which it took
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) { over = got.Conn }})
	stream, err := carrier.DialCarry(ctx, WithoutRedirects(once), d.BaseURL(address))
	if err != nil {
		return nil, refusedTwice(refused, d.explainCarry(ctx, address, expected, err))
	}
	d.Logger.Info("the link is carried by an RPC, which costs more", "address", address, "because", refused)
	if err := expected.Reached(wayOf(over)); err != nil {
		stream.Close()
		return nil, err
	}
	return stream, nil
}

// reached notes which connection carries a stream.
func reached(stream io.ReadWriteCloser, expected *identity.Expected) (io.ReadWriteCloser, error) {
	over, _ := stream.(net.Conn) //nolint:errcheck // nil is an answer
	if err := expected.Reached(wayOf(over)); err != nil {
		stream.Close()
		return nil, err
	}
	return stream, nil
}

// wayOf is where a connection leads, and its TLS if it has any. It may have been wrapped. Of one that is not known nothing is
// assumed: it is not on this machine.
func wayOf(over net.Conn) (remote string, state *tls.ConnectionState) {
	if over == nil {
		return "", nil
	}
	remote = over.RemoteAddr().String()
	if wrapped, ok := over.(interface{ Unwrap() net.Conn }); ok {
		over = wrapped.Unwrap()
	}
	if secure, ok := over.(interface{ ConnectionState() tls.ConnectionState }); ok {
		known := secure.ConnectionState()
		state = &known
	}
	return remote, state
}

// explainCarry looks for the reason if an RPC over TLS got no answer. A server that refuses the certificate of this side
// says so by an alert while the HTTP client is writing, which may not see it.
func (d *Dialer) explainCarry(ctx context.Context, address string, expected *identity.Expected, err error) error {
	if d.TLS == nil || answered(err) || errors.Is(err, carrier.ErrCertificateRefused) {
		return err
	}
	return cmp.Or(d.firstAlert(ctx, address, expected), err)
}

// answered tells what a collector answered from what went wrong on the way.
func answered(err error) bool {
	remote, ok := errors.AsType[*connect.Error](err)
	return ok && remote.IsRemote()
}

// firstAlert connects and writes nothing, to read how the server begins. It returns carrier.ErrCertificateRefused or nil.
func (d *Dialer) firstAlert(ctx context.Context, address string, expected *identity.Expected) error {
	config := d.config(expected)
	config.NextProtos = []string{"h2"} // in which servers speak first
	stream, err := (&tls.Dialer{NetDialer: d.guarded(nil), Config: config}).DialContext(ctx, "tcp", address)
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
// Otherwise both are told, since either may be what is to be mended.
func refusedTwice(upgrade, carry error) error {
	if errors.Is(carry, carrier.ErrCertificateRefused) {
		return carry
	}
	if answered(carry) && !errors.Is(carry, carrier.ErrRefused) {
		return status.Reauthor(carry)
	}
	return fmt.Errorf("%w; %w", upgrade, carry)
}
