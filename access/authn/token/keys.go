package token

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/collectiverpc/collective/access/authn/internal/digest"
)

const (
	maxKeys     = 64        // of a set
	maxKeyBytes = 256 << 10 // of a set, and of a document of discovery
	minRSA      = 2048      // bits
	maxRSA      = 8192      // bits: more costs milliseconds for each forged token
)

// algorithms are those by which a token may be signed: those with a public key.
var algorithms = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
}

// keySet is the keys of an issuer that can be used. It is immutable.
type keySet struct {
	keys    []jose.JSONWebKey // public ones that may verify; at least one
	ignored []string          // why others are not used
	digest  digest.Digest     // of the document: two sets with the same one are the same
	read    time.Time         // when; later again if it has not changed since
}

// parseKeys reads a JWKS document. Keys that cannot be used are left out: issuers list keys for other ends too. A
// document without any that can be used is an error.
func parseKeys(data []byte, now time.Time) (*keySet, error) {
	var document struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if len(data) > maxKeyBytes {
		return nil, fmt.Errorf("the key set has more than %d KiB", maxKeyBytes>>10)
	}
	if err := json.Unmarshal(data, &document); err != nil {
		return nil, fmt.Errorf("no JWKS document: %w", err)
	}
	if len(document.Keys) > maxKeys {
		return nil, fmt.Errorf("the key set has %d keys, more than %d", len(document.Keys), maxKeys)
	}
	set := &keySet{digest: sha256.Sum256(data), read: now}
	for i, raw := range document.Keys {
		key, err := parseKey(raw)
		if err != nil {
			set.ignored = append(set.ignored, fmt.Sprintf("key %d: %v", i+1, err))
			continue
		}
		set.keys = append(set.keys, key)
	}
	if len(set.keys) == 0 {
		return nil, fmt.Errorf("none of its %d keys can be used to verify a token; %s", len(document.Keys), strings.Join(set.ignored, "; "))
	}
	return set, nil
}

// parseKey reads one key. The texts of its errors name nothing of the key.
func parseKey(raw json.RawMessage) (key jose.JSONWebKey, err error) {
	if err := json.Unmarshal(raw, &key); err != nil {
		return key, errors.New("cannot be read, or is of an unknown type")
	}
	if key.Use != "" && key.Use != "sig" {
		return key, errors.New("is not for signatures")
	}
	switch public := key.Key.(type) {
	case *rsa.PublicKey:
		if bits := public.N.BitLen(); bits < minRSA || bits > maxRSA {
			return key, fmt.Errorf("RSA with %d bits: want %d to %d", bits, minRSA, maxRSA)
		}
	case *ecdsa.PublicKey, ed25519.PublicKey:
	case []byte:
		return key, errors.New("is a shared secret: whoever can verify with it could sign")
	default:
		return key, errors.New("is a private key, which its issuer should have kept")
	}
	if !key.Valid() {
		return key, errors.New("is no point of its curve, or not valid otherwise")
	}
	return key, nil
}

// at is the same set, seen again later.
func (s *keySet) at(read time.Time) *keySet {
	if s.read.Equal(read) {
		return s
	}
	again := *s
	again.read = read
	return &again
}

// find is the keys that may have signed a token: those of its key id that fit its algorithm. Without a key id the set must
// leave no choice, since each key that is tried costs as much as a token that holds. A nil set has none.
func (s *keySet) find(id string, algorithm jose.SignatureAlgorithm) (found []jose.JSONWebKey) {
	if s == nil {
		return nil
	}
	for _, key := range s.keys {
		if (id == "" || key.KeyID == id) && fits(key, algorithm) {
			found = append(found, key)
		}
	}
	if id == "" && len(found) > 1 {
		return nil
	}
	return found
}

// fits reports whether a key is one of an algorithm. A key that names its algorithm is used with no other.
func fits(key jose.JSONWebKey, algorithm jose.SignatureAlgorithm) bool {
	if key.Algorithm != "" && key.Algorithm != string(algorithm) {
		return false
	}
	switch public := key.Key.(type) {
	case *rsa.PublicKey:
		return strings.HasPrefix(string(algorithm), "RS") || strings.HasPrefix(string(algorithm), "PS")
	case *ecdsa.PublicKey:
		return string(algorithm) == curves[public.Curve.Params().BitSize]
	case ed25519.PublicKey:
		return algorithm == jose.EdDSA
	}
	return false
}

// curves are the algorithms of elliptic curves by the bits of the curve.
var curves = map[int]string{256: "ES256", 384: "ES384", 521: "ES512"}
