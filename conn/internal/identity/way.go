package identity

import (
	"crypto/tls"
	"crypto/x509"
	"time"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/internal/origin"
)

// Way is what the connection itself tells, over which a link was opened.
type Way struct {
	Remote   string               // the ip:port of the other end
	Loopback bool                 // the other end is on this machine
	State    *tls.ConnectionState // nil without TLS
	TLS      bool                 // the certificate of the other end was verified
	Binding  []byte               // both ends of this very TLS connection have it, and nobody else; nil without TLS
	Expires  time.Time            // when the first certificate that proves anything expires; zero for none
}

// WayOf reads a connection. remote is the ip:port of the other end; whatever else it is, it is not on this machine.
func WayOf(remote string, state *tls.ConnectionState) (Way, error) {
	w := Way{Remote: remote, Loopback: origin.Loopback(remote), State: state}
	if state == nil {
		return w, nil
	}
	w.TLS, w.Expires = len(state.VerifiedChains) > 0, expiryOf(state.VerifiedChains)
	var err error
	w.Binding, err = link.Binding(state)
	return w, err
}

// expiryOf is when the last of the chains is no longer valid; zero without chains. A chain is as valid as its first
// certificate to expire.
func expiryOf(chains [][]*x509.Certificate) (last time.Time) {
	for _, chain := range chains {
		var end time.Time
		for _, certificate := range chain {
			end = earlier(end, certificate.NotAfter)
		}
		if end.After(last) {
			last = end
		}
	}
	return last
}

// earlier is the earlier of two times, of which zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
