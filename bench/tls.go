package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"time"
)

// tlsPair is the configuration of both ends of one TLS 1.3 connection on loopback.
type tlsPair struct{ client, server *tls.Config }

// newTLSPair makes a throw-away certificate that the client trusts.
func newTLSPair() (tlsPair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tlsPair{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		NotAfter:     time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tlsPair{}, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tlsPair{}, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	certificate := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	return tlsPair{
		client: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13},
		server: &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13},
	}, nil
}
