package remote

import (
	"crypto/tls"
	"crypto/x509"
	"os"

	"github.com/spf13/pflag"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
)

// Certificates are the PEM files of the flags about TLS, empty for none, and whether to trust any certificate.
type Certificates struct {
	CACert, Cert, Key string
	Insecure          bool
}

// Add defines their flags.
func (c *Certificates) Add(set *pflag.FlagSet) {
	set.StringVar(&c.CACert, "cacert", "", "PEM file with the authorities to trust")
	set.StringVar(&c.Cert, "cert", "", "PEM file with the client certificate")
	set.StringVar(&c.Key, "key", "", "PEM file with the client key")
	set.BoolVar(&c.Insecure, "insecure", false, "trust any certificate (for tests only)")
}

// Given tells whether any of them says something.
func (c Certificates) Given() bool { return c.CACert != "" || c.Cert != "" || c.Insecure }

// TLS is the configuration of a client.
func (c Certificates) TLS() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: c.Insecure} //nolint:gosec // --insecure says so
	if c.CACert != "" {
		pool, err := ReadAuthorities("--cacert", c.CACert)
		if err != nil {
			return nil, err
		}
		config.RootCAs = pool
	}
	if (c.Cert == "") != (c.Key == "") {
		return nil, failure.Usagef("--cert and --key belong together")
	}
	if c.Cert == "" {
		return config, nil
	}
	pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return nil, failure.Usagef("--cert, --key: %v", err)
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}

// ReadAuthorities reads the certificates that a flag names a file of.
func ReadAuthorities(flag, path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, failure.Usagef("%s: %v", flag, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, failure.Usagef("%s: %s has no PEM certificate", flag, path)
	}
	return pool, nil
}
