package identity

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/internal/name"
)

// Prover tells who has proved to be which collector.
type Prover struct {
	Self string // this collector's id, for messages
	// Rule says which collector a verified certificate is of. Nil: nobody has to prove anything.
	Rule func(certificate *x509.Certificate) (collectorID string, err error)
}

// Required reports whether collectors have to prove who they are.
func (p Prover) Required() bool { return p.Rule != nil }

// Identify returns the collector that the other end of a connection has proved to be; empty without a rule.
func (p Prover) Identify(state *tls.ConnectionState) (string, error) {
	if !p.Required() {
		return "", nil
	}
	if state == nil || len(state.VerifiedChains) == 0 {
		return "", errUnproven(p.Self, shownBy(state))
	}
	id, err := p.Rule(state.VerifiedChains[0][0])
	if err == nil {
		err = name.CheckCollectorID(id)
	}
	if err != nil {
		return "", errUnproven(p.Self, fmt.Sprintf("a certificate that names no collector (%v)", err))
	}
	return id, nil
}

// shownBy says what there is in place of a verified certificate.
func shownBy(state *tls.ConnectionState) string {
	switch {
	case state == nil:
		return "none, as there is no TLS"
	case len(state.PeerCertificates) == 0:
		return "none"
	}
	return "one that its TLS does not verify"
}

func errUnproven(self, shown string) error {
	return connect.Errorf(connect.CodeUnauthenticated,
		"collector %q links only with collectors whose certificate names them, and was shown %s: "+
			"the other end must show one of an authority that is trusted here, with the id it runs under", self, shown)
}

// CheckProof refuses whoever says to be another collector than the one that it has proved to be.
func (p Prover) CheckProof(proven, claimed string) error {
	if !p.Required() || proven == claimed {
		return nil
	}
	return connect.Errorf(connect.CodePermissionDenied,
		"collector %q was shown the certificate of collector %q by one that says it is %q: "+
			"the other end must run under the id that its certificate names", p.Self, proven, claimed)
}
