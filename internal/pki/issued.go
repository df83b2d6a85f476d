package pki

import (
	"crypto/x509"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Issued is a pair that is in the directory of an authority.
type Issued struct {
	Subject
	Cert, Key   string // its files
	Certificate *x509.Certificate
}

// readIssued reads the certificate of a subject from the directory of an authority.
func readIssued(dir string, s Subject) (*Issued, error) {
	path := filepath.Join(dir, s.Path())
	certificate, err := readCertificate(path + ".crt")
	if err != nil {
		return nil, err
	}
	return &Issued{Subject: s, Cert: path + ".crt", Key: path + ".key", Certificate: certificate}, nil
}

// Hosts are the DNS names and addresses of its certificate.
func (i *Issued) Hosts() []string {
	hosts := slices.Clone(i.Certificate.DNSNames)
	for _, ip := range i.Certificate.IPAddresses {
		hosts = append(hosts, ip.String())
	}
	return hosts
}

// URI is what its certificate names, as it stands there.
func (i *Issued) URI() string {
	var uris []string
	for _, uri := range i.Certificate.URIs {
		uris = append(uris, uri.String())
	}
	return strings.Join(uris, " ")
}

// The states of a certificate.
const (
	Good    = "good"
	Expired = "expired"
	Early   = "not yet valid"
	Foreign = "of another authority"
)

// State says what a certificate is worth to those who trust an authority now.
func (i *Issued) State(authority *x509.Certificate, now time.Time) string {
	switch {
	case i.Certificate.CheckSignatureFrom(authority) != nil:
		return Foreign
	case now.After(i.Certificate.NotAfter):
		return Expired
	case now.Before(i.Certificate.NotBefore):
		return Early
	}
	return Good
}
