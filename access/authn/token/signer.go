package token

import (
	"context"
	"encoding/json"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/collectiverpc/collective/access/authn"
	"github.com/collectiverpc/collective/mesh"
)

// issuer is an Issuer with its keys, and with what is known of its clock. It does not change after New; its ring does.
type issuer struct {
	Issuer
	ring  *ring
	clock *clock
}

// claims is what a token says: of itself, and of its subject.
type claims struct {
	jwt.Claims

	all map[string]json.RawMessage // every claim, for the one that has the groups
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
		// No key of that id verifies it. Only a set with other keys than the one just tried is worth a second look.
		if again || i.ring.refresh(ctx) != nil || i.ring.set.Load().digest == set.digest {
			return nil, nil, authn.Refuse(mesh.ReasonTokenSignature,
				"the signature of the token is not one of the issuer %s: it was changed, or cut, or is of somebody else", i.URL)
		}
	}
}
