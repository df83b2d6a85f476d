package session

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
)

// Secret is a token, a cookie or a key: 256 random bits. It prints as what it is, without its value.
type Secret struct{ text string }

// redacted is what every way of printing a secret shows.
const redacted = "(secret)"

// newSecret makes one. crypto/rand does not fail: it ends the process instead.
func newSecret() Secret {
	var bits [32]byte
	_, _ = rand.Read(bits[:])
	return Secret{base64.RawURLEncoding.EncodeToString(bits[:])}
}

// Reveal is the value, for whoever it is made for.
func (s Secret) Reveal() string { return s.text }

func (s Secret) String() string { return redacted }

// GoString is String, so that no verb of package fmt prints the value.
func (s Secret) GoString() string { return redacted }

// MarshalText is String, for JSON and the like.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue is String, for logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// digest is what is kept of a secret. Looking it up takes the same time whatever part of it somebody has guessed.
type digest [sha256.Size]byte

func digestOf(text string) digest { return sha256.Sum256([]byte(text)) }
