package token

import (
	"errors"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/collectiverpc/collective/access/authn"
	"github.com/collectiverpc/collective/mesh"
)

// parse reads the form of a token, before anything is believed of it.
func parse(text string) (*jwt.JSONWebToken, error) {
	if strings.ContainsFunc(text, isNoPart) {
		return nil, malformed(noJWT)
	}
	if strings.Count(text, ".") == 4 { //nolint:mnd // JWE has five parts
		return nil, malformed("it is encrypted (JWE), and signed ones are taken (JWS)")
	}
	// The list of algorithms is where "none" and HMAC end: before a key is looked for, whatever the key set has.
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
