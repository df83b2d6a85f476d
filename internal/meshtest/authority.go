package meshtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/url"
	"testing"
	"time"
)

// TrustDomain is that of the certificates which an [Authority] makes.
// Tests give it to both ends, which then demand a proof of each other.
const TrustDomain = "mesh.test"

// URI is how a certificate names a collector.
// It is the form that package conn reads; a test that wants another passes its own to Issue.
func URI(id string) string { return "spiffe://" + TrustDomain + "/collector/" + id }

// Authority issues certificates that are good for both ends of TLS on 127.0.0.1.
// Keys are made anew for each, so that no test depends on files that expire. It is safe for concurrent use.
type Authority struct {
	Certificate *x509.Certificate
	Pool        *x509.CertPool // of this authority alone
	key         *ecdsa.PrivateKey
}

// NewAuthority makes an authority that is trusted by nobody yet.
// Two of them are strangers to each other: that is how tests have a certificate which is valid and not trusted.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{Pool: x509.NewCertPool(), key: newKey(t)}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.Certificate = a.sign(t, template, template, a.key)
	a.Pool.AddCert(a.Certificate)
	return a
}

// newKey makes a key of the curve that is fastest to make: tests make many.
func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// sign makes the certificate of a key. It is parsed again, since tests look at what the other end sees.
func (a *Authority) sign(t testing.TB, template, parent *x509.Certificate, key *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// Issue makes a certificate with URIs, valid since an hour ago and for this long, which may be negative.
// Without URIs it proves nothing but that the authority made it; with several, none is the collector's for certain. A
// negative time makes one that has expired.
func (a *Authority) Issue(t testing.TB, valid time.Duration, uris ...string) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "collector"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(valid),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, uri := range uris {
		parsed, err := url.Parse(uri)
		if err != nil {
			t.Fatal(err)
		}
		template.URIs = append(template.URIs, parsed)
	}
	key := newKey(t)
	certificate := a.sign(t, template, a.Certificate, key)
	return tls.Certificate{Certificate: [][]byte{certificate.Raw}, PrivateKey: key, Leaf: certificate}
}

// Of makes a good certificate of a collector.
// It is good for an hour.
func (a *Authority) Of(t testing.TB, id string) tls.Certificate {
	t.Helper()
	return a.Issue(t, time.Hour, URI(id))
}

// TLS is for both ends of one that shows a certificate and trusts this authority. It lets clients in that show none.
// Whether a certificate is needed is then the collector's to judge, which is what most of these tests are about. It is a
// new one each time: the test may change it.
func (a *Authority) TLS(shows tls.Certificate) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{shows},
		RootCAs: a.Pool, ClientCAs: a.Pool, ClientAuth: tls.VerifyClientCertIfGiven,
	}
}
