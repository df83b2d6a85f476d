package token

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/access/authn"
	"github.com/collectiverpc/collective/access/authn/internal/digest"
	"github.com/collectiverpc/collective/mesh"
)

// maxToken is the bytes of a token. A longer one is refused before it is hashed or read: whoever sends it has not shown
// anything yet.
const maxToken = 8 << 10

// Authenticator knows callers by their bearer tokens. It is safe for concurrent use. [Authenticator.Close] ends what it does by
// itself.
type Authenticator struct {
	issuers  map[string]*issuer // by URL
	order    []string           // of the issuers, as they were given
	verified *verified
	now      func() time.Time
	end      context.CancelFunc
	reads    *sync.WaitGroup
}

// Option changes an [Authenticator].
type Option func(*settings)

type settings struct {
	client *http.Client
	log    *slog.Logger
	now    func() time.Time
}

// WithClient reads keys by another client than http.DefaultClient, such as one that trusts another authority. Redirects to
// plaintext and large answers are refused all the same.
func WithClient(client *http.Client) Option { return func(s *settings) { s.client = client } }

// WithLogger logs elsewhere than by slog.Default.
func WithLogger(log *slog.Logger) Option { return func(s *settings) { s.log = log } }

// WithClock tells the time by another clock than that of the system.
func WithClock(now func() time.Time) Option { return func(s *settings) { s.now = now } }

// New makes an authenticator for the tokens of issuers; one is needed at least. It lists everything that is wrong with them.
//
// A keys file must be one that can be read, now. An issuer that is discovered is asked behind the back of New, and need not
// answer: until it does its tokens are refused.
func New(issuers []Issuer, options ...Option) (*Authenticator, error) {
	s := &settings{client: http.DefaultClient, log: slog.Default(), now: time.Now}
	for _, option := range options {
		option(s)
	}
	if len(issuers) == 0 {
		return nil, errors.New("want the issuer whose tokens are taken")
	}
	// It is the authenticator that reads keys, and no request: what it begins ends with Close.
	life, end := context.WithCancel(context.Background())
	a := &Authenticator{
		issuers: make(map[string]*issuer), verified: new(verified), now: s.now, end: end, reads: new(sync.WaitGroup),
	}
	var wrong []error
	for _, one := range issuers {
		wrong = append(wrong, a.add(life, one.filled(), s))
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// add makes an issuer, and reads its keys: here from a file, in the background from elsewhere.
func (a *Authenticator) add(life context.Context, one Issuer, s *settings) error {
	if err := one.check(); err != nil {
		return err
	}
	for _, other := range a.issuers {
		if other.URL == one.URL || other.Alias == one.Alias {
			return fmt.Errorf("issuers %.80q and %.80q have the same URL or alias: their principals could not be told apart", other.URL, one.URL)
		}
	}
	added := &issuer{Issuer: one, clock: &clock{now: s.now}}
	added.ring = &ring{issuer: one.URL, source: file(one.KeysFile), now: s.now, log: s.log, life: life, reads: a.reads}
	a.issuers[one.URL], a.order = added, append(a.order, one.URL)
	if one.KeysFile != "" {
		if err := added.ring.load(life); err != nil {
			return fmt.Errorf("keys of the issuer %.80q: %w", one.URL, err)
		}
		return nil
	}
	added.ring.source, added.ring.remote = newDiscovery(one.URL, s.client, added.clock), true
	_, err := added.ring.begin(false)
	return err
}

// Close ends reads of keys and waits for them. Tokens of keys that are known are taken as before.
func (a *Authenticator) Close() error {
	a.end()
	a.reads.Wait()
	return nil
}

// Authenticate gives whom a bearer token names. Both results are nil without one: other schemes of Authorization are not
// its own. A token that does not hold is refused with a *connect.Error, whose reason package mesh tells. It waits for a read
// of the issuer's keys where the token names one that is new, for 5 s at most.
func (a *Authenticator) Authenticate(ctx context.Context, c *access.Credentials) (*access.Principal, error) {
	text, shown := authn.Scheme(c.Authorization, "Bearer")
	if !shown {
		return nil, nil //nolint:nilnil // nothing of its kind is shown
	}
	if len(text) > maxToken {
		return nil, authn.Refuse(mesh.ReasonTokenTooLarge,
			"the token has %d bytes, at most %d: have its issuer put less into it, such as fewer groups", len(text), maxToken)
	}
	sum, now := digest.Of(text), a.now()
	if known := a.verified.find(&sum, now); known != nil {
		known.ring.touch(now)
		return known.principal, nil
	}
	e, err := a.verify(ctx, text, now)
	if err != nil {
		return nil, err
	}
	// It is remembered by the hash: the token itself ends with the request.
	e.digest = sum
	a.verified.add(e, now)
	e.ring.touch(now)
	return e.principal, nil
}

// verify judges a token that is not known, and gives its entry but for the digest. It costs a signature: some 50 µs for RSA,
// some 100 µs for a curve, for whoever sends one that has the form of a token and names a key that there is.
func (a *Authenticator) verify(ctx context.Context, text string, now time.Time) (*entry, error) {
	parsed, err := parse(text)
	if err != nil {
		return nil, err
	}
	one, err := a.issuerOf(parsed)
	if err != nil {
		return nil, err
	}
	// From here on the claims are the issuer's word. What they say of time and audience is told only now, since before anybody
	// could ask what this collector takes.
	said, set, err := one.signed(ctx, parsed)
	if err != nil {
		return nil, err
	}
	until, err := one.checkTime(said, now)
	if err != nil {
		return nil, err
	}
	principal, err := one.principal(said)
	if err != nil {
		return nil, err
	}
	return &entry{principal: principal, until: until, ring: one.ring, keys: set.digest}, nil
}

// issuerOf finds the issuer that a token says it is of. Whether it is, its keys will show.
func (a *Authenticator) issuerOf(parsed *jwt.JSONWebToken) (*issuer, error) {
	var said struct {
		Issuer string `json:"iss"`
	}
	if err := parsed.UnsafeClaimsWithoutVerification(&said); err != nil {
		return nil, malformed("its claims are no JSON object")
	}
	one, known := a.issuers[said.Issuer]
	if !known {
		return nil, authn.Refuse(mesh.ReasonTokenIssuer, "the token is of another issuer than this collector trusts: get one of %s", a.trusted())
	}
	return one, nil
}

// Lines say for people whose tokens are taken, and how their keys are.
func (a *Authenticator) Lines() (lines []string) {
	for _, url := range a.order {
		one := a.issuers[url]
		line := fmt.Sprintf("tokens of %s for %s: %s", url, strings.Join(one.Audiences, ", "), one.ring.line())
		if said := one.clock.said(leeway); said != "" {
			line += "; " + said
		}
		lines = append(lines, line)
	}
	return lines
}

// Troubles says of which issuers the keys cannot be read.
func (a *Authenticator) Troubles() (troubles []string) {
	for _, url := range a.order {
		if trouble := a.issuers[url].ring.trouble(); trouble != "" {
			troubles = append(troubles, "keys of the issuer "+url+": "+trouble)
		}
	}
	return troubles
}

// Files are the JWKS files.
func (a *Authenticator) Files() (paths []string) {
	for _, url := range a.order {
		if path := a.issuers[url].KeysFile; path != "" {
			paths = append(paths, path)
		}
	}
	return paths
}

// Reload reads the keys again. Those of issuers that are discovered are read in the background. A file that cannot be used
// keeps the keys that are known, and is in the error.
func (a *Authenticator) Reload() error {
	var failed []error
	for _, url := range a.order {
		one := a.issuers[url]
		if one.ring.remote {
			_, _ = one.ring.begin(true)
			continue
		}
		if err := one.ring.load(context.Background()); err != nil {
			failed = append(failed, fmt.Errorf("keys of the issuer %.80q, the old ones are kept: %w", url, err))
		}
	}
	return errors.Join(failed...)
}

// trusted names the issuers in a text for callers. Whose tokens are taken is no secret: whoever wants to log in has to know,
// and whoever has no token of them gains nothing by it. Four are named at most.
func (a *Authenticator) trusted() string {
	const most = 4
	named := slices.Clone(a.order)[:min(most, len(a.order))]
	return cmp.Or(strings.Join(named, ", "), "nobody")
}
