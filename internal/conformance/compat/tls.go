package compat

import (
	"crypto/tls"
	"crypto/x509"
	"errors"

	conformancev1 "github.com/collectiverpc/collective/internal/conformance/gen/connectrpc/conformance/v1"
)

// ServerTLS is the TLS configuration that a server under test is asked for; nil for none.
func ServerTLS(req *conformancev1.ServerCompatRequest) (*tls.Config, error) {
	if !req.GetUseTls() {
		return nil, nil
	}
	certificate, err := tls.X509KeyPair(req.GetServerCreds().GetCert(), req.GetServerCreds().GetKey())
	if err != nil {
		return nil, err
	}
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	if trusted := req.GetClientTlsCert(); len(trusted) > 0 {
		config.ClientAuth = tls.RequireAndVerifyClientCert
		config.ClientCAs, err = pool(trusted)
	}
	return config, err
}

// ClientTLS is the TLS configuration that a client under test is asked for; nil for none.
func ClientTLS(req *conformancev1.ClientCompatRequest) (*tls.Config, error) {
	if len(req.GetServerTlsCert()) == 0 {
		return nil, nil
	}
	trusted, err := pool(req.GetServerTlsCert())
	if err != nil {
		return nil, err
	}
	config := &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}
	if own := req.GetClientTlsCreds(); own != nil {
		certificate, err := tls.X509KeyPair(own.GetCert(), own.GetKey())
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{certificate}
	}
	return config, nil
}

func pool(pem []byte) (*x509.CertPool, error) {
	certificates := x509.NewCertPool()
	if !certificates.AppendCertsFromPEM(pem) {
		return nil, errors.New("the test runner sent a certificate that is none")
	}
	return certificates, nil
}
