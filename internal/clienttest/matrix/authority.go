package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// proxyName is what the proxies are called in docs/proxies.md.
const proxyName = "mesh.example"

// authority is who vouches for the proxies, by the names of files: its own certificate, and certificate and key of the
// proxies, alone and together.
type authority struct {
	root, certificate, key, both string
}

// newAuthority makes a certificate for the proxies that is its own authority.
func newAuthority(dir string) (authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return authority{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: proxyName},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		DNSNames: []string{proxyName, "localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return authority{}, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return authority{}, err
	}
	return writeAuthority(dir, certificate, private)
}

func writeAuthority(dir string, certificate, key []byte) (authority, error) {
	public := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})
	private := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})
	at := func(name string) string { return filepath.Join(dir, name) }
	a := authority{root: at("root.pem"), certificate: at("cert.pem"), key: at("key.pem"), both: at("both.pem")}
	return a, errors.Join(
		os.WriteFile(a.root, public, 0o600), os.WriteFile(a.certificate, public, 0o600),
		os.WriteFile(a.key, private, 0o600), os.WriteFile(a.both, slices.Concat(public, private), 0o600),
	)
}

// config trusts the authority.
func (a authority) config() (*tls.Config, error) {
	public, err := os.ReadFile(a.root)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(public) {
		return nil, errors.New("no certificate in " + a.root)
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}
