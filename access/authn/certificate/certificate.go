package certificate

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/access/authn"
	"github.com/collectiverpc/collective/mesh"
)

// maxName is the bytes of a name.
const maxName = 128

// scheme is that of the URIs that name somebody.
const scheme = "spiffe"

// kinds are the words of a URI's path for the kinds of principals.
var kinds = map[string]access.Kind{
	"user": access.KindUser, "service": access.KindService, "collector": access.KindCollector,
}

// Authenticator knows callers by their certificates. It is safe for concurrent use.
type Authenticator struct {
	domain     string
	passOthers bool
	now        func() time.Time
}

// Option changes an [Authenticator].
type Option func(*Authenticator)

// PassOthers takes a verified certificate that has no URI of the trust domain for none: the caller is anonymous, or whom
// another credential says. By default it is refused. One that has such a URI and does not keep to the form is refused all
// the same.
func PassOthers() Option { return func(a *Authenticator) { a.passOthers = true } }

// WithClock tells the time by another clock than that of the system.
func WithClock(now func() time.Time) Option { return func(a *Authenticator) { a.now = now } }

// New makes an authenticator for the certificates of a trust domain, such as mesh.example: the host of their URIs, in
// lower case. It refuses a domain that can be no such host.
func New(trustDomain string, options ...Option) (*Authenticator, error) {
	if !isName(trustDomain) || trustDomain != strings.ToLower(trustDomain) || strings.ContainsAny(trustDomain, "@+") {
		return nil, fmt.Errorf("trust domain %.80q: want a host name in lower case, such as mesh.example", trustDomain)
	}
	a := &Authenticator{domain: trustDomain, now: time.Now}
	for _, option := range options {
		option(a)
	}
	return a, nil
}

// Authenticate gives whom the certificate of the connection names. Both results are nil without a verified certificate. One
// that has expired since TLS verified it is refused: connections may live for longer than certificates. The context is not
// used.
func (a *Authenticator) Authenticate(_ context.Context, c *access.Credentials) (*access.Principal, error) {
	leaf := verified(c.TLS)
	if leaf == nil {
		return nil, nil //nolint:nilnil // nothing of its kind is shown
	}
	if now := a.now(); now.After(leaf.NotAfter) {
		return nil, authn.Refuse(mesh.ReasonCertificateExpired,
			"the client certificate has expired %v ago, while it was connected: connect again with a new one", now.Sub(leaf.NotAfter).Round(time.Second))
	}
	own := a.own(leaf.URIs)
	if len(own) == 0 && a.passOthers {
		return nil, nil //nolint:nilnil // nothing of its kind is shown
	}
	if len(own) != 1 || len(leaf.URIs) != 1 {
		return nil, a.refuse(fmt.Sprintf("has %d URIs, of them %d of the trust domain, and one is wanted", len(leaf.URIs), len(own)))
	}
	kind, name, err := parse(own[0])
	if err != nil {
		return nil, a.refuse(err.Error())
	}
	return access.NewPrincipal(kind, name)
}

// Lines say for people which certificates are taken.
func (a *Authenticator) Lines() []string {
	others := "others are refused"
	if a.passOthers {
		others = "others count as none"
	}
	return []string{fmt.Sprintf("client certificates with %s://%s/user|service|collector/NAME; %s", scheme, a.domain, others)}
}

// own are the URIs of the trust domain. Hosts are compared without regard to case, so that no spelling of the domain
// passes for that of another.
func (a *Authenticator) own(uris []*url.URL) (own []*url.URL) {
	for _, uri := range uris {
		if strings.EqualFold(uri.Scheme, scheme) && strings.EqualFold(uri.Hostname(), a.domain) {
			own = append(own, uri)
		}
	}
	return own
}

func (a *Authenticator) refuse(why string) error {
	return authn.Refuse(mesh.ReasonCertificateIdentity,
		"the client certificate names nobody here: it %s. Use one with the URI %s://%s/user/NAME, service/NAME or collector/ID, or none",
		why, scheme, a.domain)
}

// verified is the certificate that the other end has proven and that leads to an authority of the listener.
func verified(state *tls.ConnectionState) *x509.Certificate {
	if state == nil || len(state.VerifiedChains) == 0 || len(state.VerifiedChains[0]) == 0 {
		return nil
	}
	return state.VerifiedChains[0][0]
}

// parse reads a URI. It compares the URI's own text with the one that its parts make, so that there is one spelling: no
// escapes, no port, no query.
func parse(uri *url.URL) (access.Kind, string, error) {
	word, name, _ := strings.Cut(strings.TrimPrefix(uri.Path, "/"), "/")
	kind, known := kinds[word]
	switch {
	case !known:
		return "", "", errors.New("has a URI that is of no user, service or collector")
	case !isName(name):
		return "", "", fmt.Errorf("has a URI whose name is not 1 to %d of the letters, digits and \"._@+-\"", maxName)
	case uri.String() != scheme+"://"+strings.ToLower(uri.Hostname())+"/"+word+"/"+name:
		return "", "", errors.New("has a URI with more than a domain, a kind and a name, or in another spelling")
	}
	return kind, name, nil
}

// isName reports whether s can be the name of somebody, and appear in a text without quotes.
func isName(s string) bool {
	if s == "" || len(s) > maxName {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isAlphanumeric(c) && strings.IndexByte("._@+-", c) < 0 {
			return false
		}
	}
	return true
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
