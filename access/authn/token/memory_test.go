package token_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/mesh"
)

// A token that was verified ends when its time is over, and not later.
func TestVerified_EndsWithTheToken(t *testing.T) {
	t.Parallel()
	key := newEC(t, "k")
	r := byFile(t, key.jwk())
	good := key.sign(t, r.good(nil)) // for 5 min
	r.taken(t, good, `User::"test|alice"`)
	r.watch.pass(5*time.Minute + 59*time.Second)
	r.taken(t, good, `User::"test|alice"`)
	r.watch.pass(time.Second)
	r.refused(t, good, mesh.ReasonTokenExpired, "expired 1m0s ago")
}

// Tokens that share a place push each other out, and are verified again: all are taken.
func TestVerified_IsBounded(t *testing.T) {
	t.Parallel()
	key := newEd(t, "k")
	r := byFile(t, key.jwk())
	for i := range 3000 { // a place has 4, and with so many some have more than 4 to hold
		r.taken(t, key.sign(t, r.good(map[string]any{"sub": fmt.Sprint("user", i)})), fmt.Sprintf(`User::"test|user%d"`, i))
	}
}

func TestVerified_CostsNothingButTheHash(t *testing.T) {
	key := newRSA(t, "k", 2048)
	r := byFile(t, key.jwk())
	c := &access.Credentials{Authorization: "Bearer " + key.sign(t, r.good(nil))}
	if n := testing.AllocsPerRun(100, func() {
		if p, err := r.Authenticate(t.Context(), c); p == nil || err != nil {
			t.Error(p, err)
		}
	}); n != 0 {
		t.Errorf("%v allocations for a token that is known, want none", n)
	}
}

// Whatever is sent, nobody is let in by it and nothing breaks; a token that holds has one spelling.
func FuzzToken(f *testing.F) {
	key := newEC(f, "k")
	r := byFile(f, key.jwk())
	good := key.sign(f, r.good(nil))
	parts := strings.Split(good, ".")
	for _, seed := range []string{
		good, good[:len(good)/2], "", "...", "a.b.c.d.e", parts[0] + ".." + parts[2], parts[0] + "." + parts[1] + ".", "{}",
		unsigned(f, `{"alg":"none"}`, r.good(nil), ""), unsigned(f, `{"alg":"ES256","crit":["b64"],"b64":false}`, r.good(nil), "x"),
		unsigned(f, `{"alg":"ES256","kid":"k","typ":7}`, r.good(nil), "x"), unsigned(f, `{"alg":"ES256","jwk":{}}`, r.good(nil), "x"),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := r.show(t.Context(), text)
		if (p == nil) == (err == nil) {
			t.Fatalf("%v, %v: want one of them", p, err)
		}
		if p != nil && !strings.HasPrefix(strings.TrimLeft(text, " "), parts[0]+"."+parts[1]+".") {
			t.Fatalf("%v by %q, which nobody signed", p, text)
		}
		if err != nil && mesh.ReasonOf(err) == "" {
			t.Fatalf("%v has no reason", err)
		}
	})
}

func BenchmarkAuthenticate(b *testing.B) {
	for name, key := range map[string]pair{"RS256": newRSA(b, "k", 2048), "ES256": newEC(b, "k"), "EdDSA": newEd(b, "k")} {
		r := byFile(b, key.jwk())
		good := key.sign(b, r.good(nil))
		b.Run(name+"/known", func(b *testing.B) {
			c := &access.Credentials{Authorization: "Bearer " + good}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Authenticate(b.Context(), c); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/forged", func(b *testing.B) {
			c := &access.Credentials{Authorization: "Bearer " + good[:len(good)-6] + "AAAAAA"}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Authenticate(b.Context(), c); mesh.ReasonOf(err) != mesh.ReasonTokenSignature {
					b.Fatal(err)
				}
			}
		})
	}
}
