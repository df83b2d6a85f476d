package serve

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/collectiverpc/collective/certs"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
	"github.com/collectiverpc/collective/cmd/collector/internal/host"
	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/internal/pki"
)

// usePKI has a directory of collector pki stand for the flags about certificates, of which none is given with it.
func (f *Flags) usePKI(dialing *remote.Certificates) error {
	if f.pki == "" {
		return nil
	}
	authority, err := pki.Open(f.pki)
	if err != nil {
		return failure.Usagef("--pki: %v", err).Hint("collector pki init --dir " + f.pki + "     # makes an authority")
	}
	pair := filepath.Join(f.pki, pki.Subject{Kind: pki.Collector, ID: f.id}.Path())
	if _, err := os.Stat(pair + ".crt"); errors.Is(err, fs.ErrNotExist) {
		return failure.Usagef("--pki: %v: collector %q has no certificate there", err, f.id).Hint(
			"collector pki issue "+f.id+" --dir "+f.pki+"     # makes one", "--id ID     # or run under the id of one that is there")
	}
	authorities := filepath.Join(f.pki, "ca.crt")
	f.tlsCert, f.tlsKey, f.clientCA, f.trustDomain = pair+".crt", pair+".key", authorities, authority.Domain
	dialing.Cert, dialing.Key, dialing.CACert = pair+".crt", pair+".key", authorities
	return nil
}

// follow reads the certificates of the flags and follows them. What it returns is closed by the caller, whatever the error.
func (f *Flags) follow(config *host.Config, dialing remote.Certificates, log *slog.Logger) (closing func(), err error) {
	var sources []*certs.Source
	closing = func() {
		for _, s := range sources {
			s.Close()
		}
	}
	source := func(flags string, files certs.Files) (*certs.Source, error) {
		if config.Identity != nil {
			files.Check = func(leaf *x509.Certificate) error { return config.Identity.CheckLeaf(leaf, config.ID) }
		}
		s, err := certs.Follow(files, log.With("flags", flags))
		if err != nil {
			return nil, failure.Usagef("%s: %v", flags, err)
		}
		sources = append(sources, s)
		config.Reload.Add("certificates of "+flags, s.Reload)
		config.Warnings = append(config.Warnings, s.Warnings)
		return s, nil
	}
	if f.meshSecret != "" {
		if _, err := conn.OpenMeshSecrets(f.meshSecret, log); err != nil {
			return closing, failure.Usagef("--mesh-secret-file: %v", err)
		}
		config.MeshSecretFile = f.meshSecret
	}
	if f.tlsCert+f.tlsKey != "" {
		s, err := source("--tls-cert, --tls-key", certs.Files{Cert: f.tlsCert, Key: f.tlsKey, Authorities: f.clientCA})
		if err != nil {
			return closing, err
		}
		config.ListenTLS = s.Listen()
	}
	if dialing.Given() {
		s, err := source("--cert, --key, --cacert", certs.Files{Cert: dialing.Cert, Key: dialing.Key, Authorities: dialing.CACert})
		if err != nil {
			return closing, err
		}
		config.DialTLS = s.Dial
		if dialing.Insecure {
			config.DialTLS = func() *tls.Config {
				blind := s.Dial()
				blind.InsecureSkipVerify = true //nolint:gosec // --insecure says so
				return blind
			}
		}
	}
	return closing, nil
}
