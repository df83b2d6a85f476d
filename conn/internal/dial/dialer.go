package dial

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/collectiverpc/collective/conn/internal/identity"
)

// Dialer dials other collectors, all ways by the same rules.
// Its fields are set before the first dial and never after; it is safe for concurrent use.
type Dialer struct {
	TLS *tls.Config // nil: plaintext
	// Current, if not nil, is asked for the configuration of each dial, in place of TLS.
	Current   func() *tls.Config
	Plaintext bool // plaintext may leave loopback
	Proof     identity.Prover
	Logger    *slog.Logger
	// IdleTimeout is for an HTTP/2 connection that no call uses.
	IdleTimeout time.Duration
}

// guarded refuses plaintext beyond loopback unless it is allowed, and what guard refuses, if it is not nil.
// It looks after the name was resolved and before the first packet leaves, for each address that is tried.
func (d *Dialer) guarded(guard func(resolved string) error) *net.Dialer {
	return &net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
		if guard != nil {
			if err := guard(address); err != nil {
				return err
			}
		}
		return d.checkPlaintext(address)
	}}
}

// checkPlaintext looks at the address that the name resolved to, so a name cannot mislead it.
func (d *Dialer) checkPlaintext(resolved string) error {
	if d.TLS != nil || d.Plaintext {
		return nil
	}
	to, err := netip.ParseAddrPort(resolved)
	if err != nil || !to.Addr().Unmap().IsLoopback() {
		return ErrPlaintext
	}
	return nil
}

// config is the TLS configuration to dial the expected collector; nil for plaintext. What the caller's own has to say
// comes first.
// The certificate is taken while the handshake runs, so that nothing is sent to a peer that is not the expected one.
func (d *Dialer) config(expected *identity.Expected) *tls.Config {
	if d.TLS == nil {
		return nil
	}
	config := d.current()
	d.watchOwn(config, expected)
	if !d.Proof.Required() {
		return config
	}
	verify := config.VerifyConnection
	config.VerifyConnection = func(state tls.ConnectionState) error {
		if verify != nil {
			if err := verify(state); err != nil {
				return err
			}
		}
		return expected.Take(d.Proof.Identify(&state))
	}
	return config
}

// current is a configuration of its own for a dial.
func (d *Dialer) current() *tls.Config {
	if d.Current != nil {
		return d.Current().Clone()
	}
	return d.TLS.Clone()
}

// watchOwn notes which certificate this end shows: the link must not outlive that either. Only the handshake knows it, since
// the configuration may choose, or read its files again, each time.
func (d *Dialer) watchOwn(config *tls.Config, expected *identity.Expected) {
	choose, certificates := config.GetClientCertificate, config.Certificates
	if choose == nil {
		choose = func(asked *tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return supported(certificates, asked), nil
		}
	}
	config.GetClientCertificate = func(asked *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		shown, err := choose(asked)
		if err == nil && shown != nil {
			expected.Shows(leafOf(shown))
		}
		return shown, err
	}
}

// leafOf is what a certificate says; nil for none.
func leafOf(shown *tls.Certificate) *x509.Certificate {
	if shown.Leaf != nil || len(shown.Certificate) == 0 {
		return shown.Leaf
	}
	leaf, err := x509.ParseCertificate(shown.Certificate[0])
	if err != nil {
		return nil // TLS will say so
	}
	return leaf
}

// supported is what TLS would choose by itself: the first that the server takes, or none. An empty certificate is how one
// shows none; nil would be an error.
func supported(certificates []tls.Certificate, asked *tls.CertificateRequestInfo) *tls.Certificate {
	for i := range certificates {
		if asked.SupportsCertificate(&certificates[i]) == nil {
			return &certificates[i]
		}
	}
	return new(tls.Certificate)
}
