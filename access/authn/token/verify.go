package token

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/collectiverpc/collective/access/authn"
	"github.com/collectiverpc/collective/mesh"
)

// claims is what a token says: of itself, and of its subject.
type claims struct {
	jwt.Claims

	all map[string]json.RawMessage
}

// verify judges a token that is not known, and gives its entry but for the digest.
func (a *Authenticator) verify(ctx context.Context, text string, now time.Time) (*entry, error) {
	parsed, err := parse(text)
	if err != nil {
		return nil, err
	}
	one, err := a.issuerOf(parsed)
	if err != nil {
		return nil, err
	}
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

// parse reads the form of a token, before anything is believed of it.
func parse(text string) (*jwt.JSONWebToken, error) {
	if strings.ContainsFunc(text, isNoPart) {
		return nil, malformed(noJWT)
	}
	if strings.Count(text, ".") == 4 { //nolint:mnd // JWE has five parts
		return nil, malformed("it is encrypted (JWE), and signed ones are taken (JWS)")
	}
	parsed, err := jwt.ParseSigned(text, algorithms)
	if unexpected, ok := errors.AsType[*jose.ErrUnexpectedSignatureAlgorithm](err); ok {
		return nil, authn.Refuse(mesh.ReasonTokenAlgorithm,
			"the token is signed with %s: want one of RS, PS, ES 256 to 512 or EdDSA, which the issuer signs with a private key of its own",
			algorithmName(unexpected.Got))
	}
	if err != nil || len(parsed.Headers) != 1 {
		return nil, malformed(noJWT)
	}
	if !isAccess(parsed.Headers[0]) {
		return nil, malformed("it is of another type than JWT or at+jwt, made for another end")
	}
	return parsed, nil
}

const noJWT = "it is no signed JWT of three parts in base64url"

// isNoPart finds what the decoder would pass over, such as line ends: a token has one spelling.
func isNoPart(c rune) bool {
	return c != '.' && c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
}

// malformed refuses a token for its form. why must not have anything of the token.
func malformed(why string) error {
	return authn.Refuse(mesh.ReasonTokenMalformed, "the token cannot be used: %s. Send it as the issuer gave it, after \"Bearer \"", why)
}

// algorithmName is what a token says of its algorithm where that is a word of the standard: callers choose the others.
func algorithmName(given jose.SignatureAlgorithm) string {
	switch given {
	case "none", jose.HS256, jose.HS384, jose.HS512:
		return string(given)
	}
	return "an algorithm that is not known"
}

// isAccess reports whether a token is of a type by which somebody is let in: issuers sign logout and event tokens too.
func isAccess(header jose.Header) bool {
	given, found := header.ExtraHeaders[jose.HeaderType]
	if !found {
		return true
	}
	text, _ := given.(string)
	text = strings.TrimPrefix(strings.ToLower(text), "application/")
	return slices.Contains([]string{"jwt", "at+jwt"}, text)
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

// signed is the claims of a token that its issuer has signed, and the key set by which that holds. A set that has a key of
// that id which does not verify the token is read again: the issuer may have used the id for a new key.
func (i *issuer) signed(ctx context.Context, parsed *jwt.JSONWebToken) (*claims, *keySet, error) {
	header := parsed.Headers[0]
	algorithm := jose.SignatureAlgorithm(header.Algorithm)
	for again := false; ; again = true {
		keys, set, err := i.ring.find(ctx, header.KeyID, algorithm)
		if err != nil {
			return nil, nil, err
		}
		for _, key := range keys {
			if parsed.Claims(key.Key) != nil {
				continue
			}
			said := new(claims)
			if parsed.UnsafeClaimsWithoutVerification(&said.Claims, &said.all) != nil { // they are verified by now
				return nil, nil, malformed("a claim is not of the type that the standard gives it")
			}
			return said, set, nil
		}
		if again || i.ring.refresh(ctx) != nil || i.ring.set.Load().digest == set.digest {
			return nil, nil, authn.Refuse(mesh.ReasonTokenSignature,
				"the signature of the token is not one of the issuer %s: it was changed, or cut, or is of somebody else", i.URL)
		}
	}
}
