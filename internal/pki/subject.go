package pki

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/collectiverpc/collective/internal/name"
)

// Kind is what a certificate names: the part of its URI after the trust domain.
type Kind string

// The kinds of subjects.
const (
	Collector Kind = "collector"
	User      Kind = "user"
	Service   Kind = "service"
)

// Kinds are all of them.
func Kinds() []Kind { return []Kind{Collector, User, Service} }

// Subject is whom a certificate names. It is comparable.
type Subject struct {
	Kind Kind
	ID   string
}

func (s Subject) String() string { return string(s.Kind) + " " + s.ID }

// Path is the file of its certificate within the directory of an authority, without .crt.
func (s Subject) Path() string { return filepath.Join(string(s.Kind)+"s", s.ID) }

// URI is how its certificate names it.
func (s Subject) URI(domain string) *url.URL {
	return &url.URL{Scheme: "spiffe", Host: domain, Path: "/" + string(s.Kind) + "/" + s.ID}
}

// check refuses what cannot be told apart from others by its URI, or is no file name.
func (s Subject) check() error {
	if s.Kind == Collector {
		if err := name.CheckCollectorID(s.ID); err != nil {
			return fmt.Errorf("%w: %w", ErrInvalid, err)
		}
	}
	if s.ID == "" || len(s.ID) > maxID || s.ID[0] == '.' || strings.ContainsFunc(s.ID, notInID) {
		return fmt.Errorf("%w: %s id %.80q: want 1 to %d of A-Z, a-z, 0-9, '.', '-' and '_', not beginning with '.'",
			ErrInvalid, s.Kind, s.ID, maxID)
	}
	return nil
}

// ErrInvalid is what cannot be issued, whoever asks.
var ErrInvalid = errors.New("invalid")

// maxID leaves room for .crt in the names of file systems.
const maxID = 128

func notInID(r rune) bool {
	return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("._-", r))
}

// checkDomain refuses what is no trust domain, as conn.SPIFFE does.
func checkDomain(domain string) error {
	if domain == "" || len(domain) > 255 || strings.ContainsFunc(domain, notInDomain) {
		return fmt.Errorf("%w: trust domain %.80q: want 1 to 255 of a-z, 0-9, '.', '-' and '_', such as mesh.example", ErrInvalid, domain)
	}
	return nil
}

func notInDomain(r rune) bool {
	return !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || strings.ContainsRune(".-_", r))
}

// domainOf is the trust domain of a certificate's only URI; empty if it has another number of them.
func domainOf(certificate *x509.Certificate) string {
	if len(certificate.URIs) != 1 || certificate.URIs[0].Scheme != "spiffe" {
		return ""
	}
	return certificate.URIs[0].Host
}
