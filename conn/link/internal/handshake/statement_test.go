package handshake

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/collectiverpc/collective/conn/link/internal/frame"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// goldenEnd is a HELLO with nothing random in it, and its key.
func goldenEnd(id string, fill byte) (hello []byte, key ed25519.PrivateKey) {
	key = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{fill}, ed25519.SeedSize))
	h := frame.Hello{
		CollectorID: id, SessionID: "session", Window: 256 << 10, MaxMessage: 4 << 20, Bound: true,
		Nonce: [frame.NonceSize]byte(bytes.Repeat([]byte{fill}, frame.NonceSize)),
		Key:   [frame.KeySize]byte(key.Public().(ed25519.PublicKey)),
	}
	return h.Append(nil), key
}

// TestGolden pins what is hashed, signed and authenticated, byte for byte: a change of it is a new version of the protocol.
func TestGolden(t *testing.T) {
	t.Parallel()
	east, eastKey := goldenEnd("east", 1)
	west, westKey := goldenEnd("west", 2)
	secrets, err := NewSecrets([][]byte{bytes.Repeat([]byte{3}, MinSecret)})
	if err != nil {
		t.Fatal(err)
	}
	sum := transcript(east, west, bytes.Repeat([]byte{4}, 32))
	initiator := prove(eastKey, secrets, statement(true, sum))
	acceptor := prove(westKey, secrets, statement(false, sum))
	for name, c := range map[string]struct {
		got  []byte
		want string
	}{
		"HELLO":               {east, golden.hello},
		"transcript":          {sum, golden.transcript},
		"proof of initiator":  {initiator.Append(nil), golden.initiator},
		"proof of acceptor":   {acceptor.Append(nil), golden.acceptor},
		"without the binding": {transcript(east, west, nil), golden.unbound},
	} {
		if got := hex.EncodeToString(c.got); got != c.want {
			t.Errorf("%s = %s, want %s", name, got, c.want)
		}
	}
}

// TestTranscriptsDiffer wants no two exchanges to have the same, wherever a byte may have moved from one piece to another.
func TestTranscriptsDiffer(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, pieces := range [][3]string{
		{"ab", "c", ""}, {"a", "bc", ""}, {"abc", "", ""}, {"", "abc", ""}, {"", "", "abc"}, {"a", "b", "c"}, {"c", "ab", ""}, {"ab", "", "c"},
	} {
		sum := string(transcript([]byte(pieces[0]), []byte(pieces[1]), []byte(pieces[2])))
		if other := seen[sum]; other != "" {
			t.Errorf("%q has the transcript of %s", pieces, other)
		}
		seen[sum] = fmt.Sprint(pieces)
	}
}

// TestSecrets refuses those that could be guessed, or are too many, and never prints one.
func TestSecrets(t *testing.T) {
	t.Parallel()
	good := []byte("thirty-two bytes of a secret ....")
	for name, c := range map[string]struct {
		secrets [][]byte
		reason  string
	}{
		"short": {[][]byte{good, good[:31]}, "could be guessed"},
		"empty": {[][]byte{nil}, "could be guessed"},
		"five":  {[][]byte{good, good, good, good, good}, "at most 4"},
	} {
		if _, err := NewSecrets(c.secrets); err == nil || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ready, err := NewSecrets([][]byte{good})
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%x", "%s", "%d"} {
		if text := fmt.Sprintf(verb, ready[0]); text != "[mesh secret]" {
			t.Errorf("%s prints %s", verb, text)
		}
	}
}
