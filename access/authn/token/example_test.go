package token_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"connectrpc.com/connect/v2"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/access/authn/token"
	"github.com/collectiverpc/collective/mesh"
)

// A collector that takes the tokens of one issuer, whose keys it has in a file.
func ExampleNew() {
	keys, sign := issuerOfExample()
	defer func() { _ = os.RemoveAll(filepath.Dir(keys)) }()
	tokens, err := token.New([]token.Issuer{{URL: "https://login.example", Audiences: []string{"mesh"}, KeysFile: keys}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = tokens.Close() }()
	for _, audience := range []string{"mesh", "shop"} {
		p, err := tokens.Authenticate(context.Background(), &access.Credentials{Authorization: "Bearer " + sign(audience)})
		fmt.Println(p != nil, mesh.ReasonOf(err), connect.CodeOf(err))
		if p != nil {
			fmt.Println(p, p.Groups)
		}
	}
	// Output:
	// true  unknown
	// User::"login.example|alice" [writers]
	// false token_audience unauthenticated
}

// issuerOfExample makes the keys file of an issuer, and what signs its tokens.
func issuerOfExample() (path string, sign func(audience string) string) {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	public, _ := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: "1", Algorithm: "ES256"}}})
	dir, _ := os.MkdirTemp("", "issuer")
	path = filepath.Join(dir, "jwks.json")
	_ = os.WriteFile(path, public, 0o600)
	signer, _ := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "1"}}, nil)
	return path, func(audience string) string {
		text, _ := jwt.Signed(signer).Claims(jwt.Claims{
			Issuer: "https://login.example", Audience: jwt.Audience{audience}, Subject: "alice", Expiry: jwt.NewNumericDate(time.Now().Add(time.Hour)),
		}).Claims(map[string]any{"groups": []string{"writers"}}).Serialize()
		return text
	}
}
