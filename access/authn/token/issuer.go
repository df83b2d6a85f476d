package token

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/collectiverpc/collective/access"
)

// Issuer is whose tokens are taken, and for whom.
type Issuer struct {
	// URL is the issuer as its tokens have it in iss, exactly. Without KeysFile it is where discovery begins: https, or http on
	// loopback.
	URL string
	// Audiences are for whom tokens may be made: one of them must be in aud. There must be one, since otherwise each program
	// that is sent a token could use it here.
	Audiences []string
	// KeysFile is a JWKS file with the issuer's keys; empty for discovery.
	KeysFile string
	// Alias begins the ids of principals: ALIAS|SUBJECT. It has no '|' and at most 100 bytes. The default is URL without its
	// scheme, such as login.example/realms/a. Changing it makes others of all principals.
	Alias string
	// GroupsClaim is the claim with the groups of a principal: a string, or a list of them. Where no claim has that name, its
	// dots lead into objects, as in realm_access.roles. The default is groups.
	GroupsClaim string
	// Operators is the issuer's group whose members are in the group operators here. Without it nobody is: an issuer's own
	// group of that name means something else, and is left out.
	Operators string
	// Kind is what principals are: access.KindUser, the default, or access.KindService.
	Kind access.Kind
}

const (
	maxIssuer = 256 // bytes of a URL
	maxAlias  = 100 // bytes; a subject has the rest of an id, and OIDC allows subjects of 255
)

// filled is the issuer with its defaults.
func (i Issuer) filled() Issuer {
	if i.Alias == "" {
		_, rest, found := strings.Cut(i.URL, "://")
		if !found {
			rest = i.URL
		}
		i.Alias = strings.TrimSuffix(rest, "/")
	}
	if i.GroupsClaim == "" {
		i.GroupsClaim = "groups"
	}
	if i.Kind == "" {
		i.Kind = access.KindUser
	}
	return i
}

// check lists everything that is wrong with an issuer.
func (i Issuer) check() error {
	var wrong []error
	refuse := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	if i.URL == "" || len(i.URL) > maxIssuer {
		refuse("the URL of an issuer has %d bytes: want 1 to %d", len(i.URL), maxIssuer)
	}
	if i.KeysFile == "" {
		if err := checkURL(i.URL); err != nil {
			refuse("issuer %.80q: %w", i.URL, err)
		}
	}
	if len(i.Audiences) == 0 || slices.Contains(i.Audiences, "") {
		refuse("issuer %.80q: want the audience that its tokens are made for; without one, tokens for any other program would be taken", i.URL)
	}
	if i.Alias == "" || len(i.Alias) > maxAlias || strings.Contains(i.Alias, "|") {
		refuse("issuer %.80q: alias %.120q: want 1 to %d bytes without '|'", i.URL, i.Alias, maxAlias)
	}
	if i.Kind != access.KindUser && i.Kind != access.KindService {
		refuse("issuer %.80q: kind %.80q: want User or Service", i.URL, i.Kind)
	}
	return errors.Join(wrong...)
}

// checkURL refuses what keys must not be read from: whoever is between could answer with its own.
func checkURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("want a URL such as https://login.example, without user, query and fragment")
	}
	return checkTransport(u)
}

// checkTransport refuses to read keys in the clear, but for this machine.
func checkTransport(u *url.URL) error {
	host := u.Hostname()
	loopback := host == "localhost" || net.ParseIP(host).IsLoopback()
	if u.Scheme == "https" || u.Scheme == "http" && loopback {
		return nil
	}
	return fmt.Errorf("keys are read over https, or over http on loopback, and this is %.20q", u.Scheme)
}
