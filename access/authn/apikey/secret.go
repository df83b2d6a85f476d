package apikey

import (
	"crypto/rand"
	"encoding/base64"
	"log/slog"

	"github.com/collectiverpc/collective/access/authn/internal/digest"
)

// prefix begins every key, so that people and scanners of repositories see what it is.
const prefix = "ck_"

// redacted is what is printed instead of a key.
const redacted = "ck_(redacted)"

// Secret is an API key. Only Reveal shows it: no verb of package fmt does, no log and no JSON.
type Secret struct{ text string }

// NewSecret makes a key of 256 random bits.
func NewSecret() Secret {
	var bits [32]byte
	_, _ = rand.Read(bits[:]) // it never fails: without random bits the process ends
	return Secret{prefix + base64.RawURLEncoding.EncodeToString(bits[:])}
}

// Reveal is the key itself, to be given to who is to have it.
func (s Secret) Reveal() string { return s.text }

// Hash is what the file has of the key.
func (s Secret) Hash() Hash { return Hash(digest.Of(s.text)) }

// String hides the key.
func (Secret) String() string { return redacted }

// GoString hides the key.
func (Secret) GoString() string { return redacted }

// MarshalText hides the key.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue hides the key.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
