package conn

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"github.com/collectiverpc/collective/internal/name"
)

// Identity says which collector a certificate is of, or why it is nobody's. It is asked only about certificates that
// TLS has verified, and may be asked concurrently.
type Identity func(certificate *x509.Certificate) (collectorID string, err error)

// SPIFFE returns the rule that a certificate is of collector ID if it has the URI
//
//	spiffe://trustDomain/collector/ID
//
// and no other: more than one make it nobody's, as SPIFFE wants it. Its names and DNS names do not count.
// A trust domain is 1 to 255 of a-z, 0-9, '.', '-' and '_'; anything else is an error.
func SPIFFE(trustDomain string) (Identity, error) {
	if trustDomain == "" || len(trustDomain) > 255 || strings.ContainsFunc(trustDomain, notInTrustDomain) {
		return nil, fmt.Errorf("trust domain %.80q: want 1 to 255 of a-z, 0-9, '.', '-' and '_', such as mesh.example", trustDomain)
	}
	prefix := "spiffe://" + trustDomain + "/collector/"
	return func(certificate *x509.Certificate) (string, error) {
		if len(certificate.URIs) != 1 {
			return "", fmt.Errorf("it has %d URIs, not one %sID", len(certificate.URIs), prefix)
		}
		uri := certificate.URIs[0].String()
		id, ok := strings.CutPrefix(uri, prefix)
		if !ok || name.CheckCollectorID(id) != nil {
			return "", fmt.Errorf("its URI is %.200q, not %sID", uri, prefix)
		}
		return id, nil
	}, nil
}

func notInTrustDomain(r rune) bool {
	return !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '.' || r == '-' || r == '_')
}

// Check refuses a TLS configuration that shows other certificates than those of a collector: nobody who asks by this
// rule would link with it. One that picks its certificate at each handshake is not looked at.
func (i Identity) Check(config *tls.Config, collectorID string) error {
	if config.GetCertificate != nil || config.GetClientCertificate != nil {
		return nil
	}
	if len(config.Certificates) == 0 {
		return fmt.Errorf("there is no certificate to show: give one that names collector %q", collectorID)
	}
	for _, pair := range config.Certificates {
		if err := i.checkOwn(pair, collectorID); err != nil {
			return err
		}
	}
	return nil
}

func (i Identity) checkOwn(pair tls.Certificate, collectorID string) error {
	if len(pair.Certificate) == 0 {
		return errors.New("a certificate is empty: load it with its key")
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return err
	}
	return i.CheckLeaf(leaf, collectorID)
}

// CheckLeaf refuses a certificate that is not a collector's, as [Identity.Check] does, for those that are renewed.
func (i Identity) CheckLeaf(leaf *x509.Certificate, collectorID string) error {
	id, err := i(leaf)
	if err != nil {
		return fmt.Errorf("the certificate names no collector (%w): give one that names %q", err, collectorID)
	}
	if id != collectorID {
		return fmt.Errorf("the certificate is of collector %q: run under that id, or give a certificate of %q", id, collectorID)
	}
	return nil
}
