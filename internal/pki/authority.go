package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// How long certificates are good for.
const (
	// AuthorityLife is that of the authority.
	AuthorityLife = 10 * 365 * 24 * time.Hour
	// Life is that of what it issues, unless [Request] says otherwise.
	Life = 90 * 24 * time.Hour
	// backdated is how far in the past certificates begin, for machines whose clocks are behind.
	backdated = 5 * time.Minute
)

// LocalHosts are the names that every certificate of a collector has, beside those asked for: it is reached by them from
// its own machine.
func LocalHosts() []string { return []string{"localhost", "127.0.0.1", "::1"} }

// Authority issues certificates from a directory. It is not safe for concurrent use; two processes that use one directory
// at once overwrite nothing of each other.
type Authority struct {
	Dir         string
	Domain      string            // its trust domain
	Certificate *x509.Certificate // its own
	key         *ecdsa.PrivateKey // nil where it can only be read, see [Open]
	now         time.Time
}

// Init makes an authority in a directory, which is made if it is missing. One that is there stays, and is an error that
// is [fs.ErrExist], unless force is given: what it issued is then worth nothing.
func Init(dir, domain string, now time.Time, force bool) (*Authority, error) {
	if err := checkDomain(domain); err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	a := &Authority{Dir: dir, Domain: domain, key: key, now: now}
	template := &x509.Certificate{
		SerialNumber: newSerial(), Subject: pkix.Name{CommonName: "authority of " + domain},
		NotBefore: now.Add(-backdated), NotAfter: now.Add(AuthorityLife),
		URIs: []*url.URL{{Scheme: "spiffe", Host: domain}},
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	if a.Certificate, err = x509.ParseCertificate(der); err != nil {
		return nil, err
	}
	return a, writePair(a.keyPath(), a.certificatePath(), key, der, force)
}

// Open opens the authority of a directory to read what it has issued and to know its trust domain.
func Open(dir string) (*Authority, error) {
	a := &Authority{Dir: dir, now: time.Now()}
	certificate, err := readCertificate(a.certificatePath())
	if err != nil {
		return nil, err
	}
	if a.Domain = domainOf(certificate); !certificate.IsCA || a.Domain == "" {
		return nil, fmt.Errorf("%s is not the certificate of an authority with a trust domain", a.certificatePath())
	}
	a.Certificate = certificate
	return a, nil
}

// OpenToIssue opens the authority of a directory with its key. now is when what it issues begins.
func OpenToIssue(dir string, now time.Time) (*Authority, error) {
	a, err := Open(dir)
	if err != nil {
		return nil, err
	}
	a.now = now
	a.key, err = readKey(a.keyPath())
	if err == nil && !a.key.PublicKey.Equal(a.Certificate.PublicKey) {
		err = fmt.Errorf("%s is not the key of %s", a.keyPath(), a.certificatePath())
	}
	if err != nil {
		return nil, err
	}
	return a, nil
}

// String is without the key.
func (a *Authority) String() string { return "authority of " + a.Domain + " in " + a.Dir }

// GoString is String: %#v shows no key either.
func (a *Authority) GoString() string { return a.String() }

func (a *Authority) certificatePath() string { return filepath.Join(a.Dir, "ca.crt") }
func (a *Authority) keyPath() string         { return filepath.Join(a.Dir, "authority", "ca.key") }

// Request is what to issue.
type Request struct {
	Subject
	Hosts []string      // DNS names and IP addresses of a collector, beside [LocalHosts]
	Life  time.Duration // 0 for [Life]
}

// Issue makes the pair of a subject. One that is there stays, and is an error that is [fs.ErrExist], unless replace is
// given.
func (a *Authority) Issue(r Request, replace bool) (*Issued, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	template, err := a.template(r)
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.Certificate, &key.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(a.Dir, r.Path())
	if err := writePair(path+".key", path+".crt", key, der, replace); err != nil {
		return nil, err
	}
	return readIssued(a.Dir, r.Subject)
}

// template is the certificate of a request, before it is signed.
func (a *Authority) template(r Request) (*x509.Certificate, error) {
	life := r.Life
	if life == 0 {
		life = Life
	}
	ends := a.now.Add(life)
	if ends.After(a.Certificate.NotAfter) {
		ends = a.Certificate.NotAfter
	}
	if !ends.After(a.now) {
		return nil, fmt.Errorf("%w: it would end at %s, which is past: the authority ends at %s",
			ErrInvalid, ends.Format(time.RFC3339), a.Certificate.NotAfter.Format(time.RFC3339))
	}
	t := &x509.Certificate{
		SerialNumber: newSerial(), Subject: pkix.Name{CommonName: r.Subject.String()},
		NotBefore: a.now.Add(-backdated), NotAfter: ends,
		URIs:     []*url.URL{r.URI(a.Domain)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}
	if r.Kind != Collector {
		if len(r.Hosts) > 0 {
			return nil, fmt.Errorf("%w: a %s listens nowhere: hosts are for collectors", ErrInvalid, r.Kind)
		}
		return t, nil
	}
	t.ExtKeyUsage = append(t.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	return t, addHosts(t, slices.Concat(LocalHosts(), r.Hosts))
}

// addHosts has a certificate name hosts, each once.
func addHosts(t *x509.Certificate, hosts []string) error {
	slices.Sort(hosts)
	for _, host := range slices.Compact(hosts) {
		if ip := net.ParseIP(host); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
			continue
		}
		if !isHost(host) {
			return fmt.Errorf("%w: host %.80q: want a DNS name or an IP address, without a port", ErrInvalid, host)
		}
		t.DNSNames = append(t.DNSNames, host)
	}
	return nil
}

// Renew issues the pair of a subject again, with the same names and, unless life says otherwise, for as long as before.
func (a *Authority) Renew(s Subject, life time.Duration) (*Issued, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	old, err := readIssued(a.Dir, s)
	if err != nil {
		return nil, err
	}
	if life == 0 {
		life = old.Certificate.NotAfter.Sub(old.Certificate.NotBefore) - backdated
	}
	return a.Issue(Request{Subject: s, Hosts: old.Hosts(), Life: life}, true)
}

// List returns what is issued: of each kind those whose certificates are in the directory, by id.
func (a *Authority) List() ([]*Issued, error) {
	var all []*Issued
	for _, kind := range Kinds() {
		entries, err := os.ReadDir(filepath.Join(a.Dir, string(kind)+"s"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, entry := range entries {
			id, ok := strings.CutSuffix(entry.Name(), ".crt")
			if !ok {
				continue
			}
			issued, err := readIssued(a.Dir, Subject{kind, id})
			if err != nil {
				return nil, err
			}
			all = append(all, issued)
		}
	}
	return all, nil
}

// newSerial is random, so that no two certificates of an authority have the same one whoever issues them.
func newSerial() *big.Int {
	var bytes [16]byte
	_, _ = rand.Read(bytes[:]) // never fails
	bytes[0] = bytes[0]&0x7f | 0x40
	return new(big.Int).SetBytes(bytes[:])
}
