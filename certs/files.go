package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
)

// Files are PEM files, and what must hold for them.
type Files struct {
	// Cert and Key are what this end shows. Both or none; without them a source is for dialling only.
	Cert, Key string
	// Authorities are whom it believes. Default: those of the system when it dials, and nobody when it listens, so that
	// clients are not asked for a certificate.
	Authorities string
	// Check judges a certificate before it is shown, such as whether it has the right name. Default: any will do.
	Check func(leaf *x509.Certificate) error
}

// paths are those that are given.
func (f Files) paths() []string {
	return slices.DeleteFunc([]string{f.Cert, f.Key, f.Authorities}, func(path string) bool { return path == "" })
}

// contents are those of Files. They do not change.
type contents struct {
	pair *tls.Certificate // nil without one
	pool *x509.CertPool   // nil without one
}

// read reads all files anew, or says which of them cannot be used and why. No error shows what is in them.
func (f Files) read() (*contents, error) {
	c := new(contents)
	if (f.Cert == "") != (f.Key == "") {
		return nil, errors.New("a certificate and its key belong together: give both, or none")
	}
	if f.Cert != "" {
		pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
		if err != nil {
			return nil, fmt.Errorf("certificate %s with key %s: %w", f.Cert, f.Key, err)
		}
		if f.Check != nil {
			if err := f.Check(pair.Leaf); err != nil {
				return nil, fmt.Errorf("certificate %s: %w", f.Cert, err)
			}
		}
		c.pair = &pair
	}
	if f.Authorities == "" {
		return c, nil
	}
	text, err := os.ReadFile(f.Authorities)
	if err != nil {
		return nil, fmt.Errorf("authorities: %w", err)
	}
	if c.pool = x509.NewCertPool(); !c.pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("authorities: %s has no PEM certificate", f.Authorities)
	}
	return c, nil
}

// listen is for handshakes with clients. What [http.Server] adds to the configuration it is given has to be here already.
func (c *contents) listen() *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	if c.pair != nil {
		config.Certificates = []tls.Certificate{*c.pair}
	}
	if c.pool != nil {
		config.ClientAuth, config.ClientCAs = tls.VerifyClientCertIfGiven, c.pool
	}
	return config
}

// dial is for handshakes with servers.
func (c *contents) dial() *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.pool}
	if c.pair != nil {
		config.Certificates = []tls.Certificate{*c.pair}
	}
	return config
}
