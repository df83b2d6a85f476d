package credentials_test

import (
	"crypto/tls"
	"strings"
	"testing"
	"time"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/access/authn/apikey"
	"github.com/collectiverpc/collective/internal/meshtest"
	"github.com/collectiverpc/collective/mesh"
)

// credential is what a caller shows, and what must come of it.
type credential struct {
	name        string
	authorized  []string // values of Authorization
	keys        []string // values of X-Api-Key
	certificate *tls.Certificate

	caller string // who it is; empty for one that is refused
	reason mesh.Reason
	words  string // in the text of the refusal
}

// secrets are the parts of it that nobody may see.
func (c credential) secrets() (secrets []string) {
	for _, value := range c.authorized {
		for part := range strings.SplitSeq(strings.TrimPrefix(value, "Bearer "), ".") {
			if len(part) > 60 { // the header of a token is no secret
				secrets = append(secrets, part[:40])
			}
		}
	}
	for _, key := range c.keys {
		if len(key) > 20 {
			secrets = append(secrets, key[:20])
		}
	}
	return secrets
}

func bearer(token string) []string { return []string{"Bearer " + token} }

// goodOnes are credentials of every kind.
func (r *rig) goodOnes(t *testing.T) []credential {
	t.Helper()
	carol := r.authority.Issue(t, time.Hour, "spiffe://"+meshtest.TrustDomain+"/user/carol")
	billing := r.authority.Issue(t, time.Hour, "spiffe://"+meshtest.TrustDomain+"/service/billing")
	token := r.file.sign(t, nil)
	return []credential{
		{name: "token, keys in a file", authorized: bearer(token), caller: `User::"file|alice"`},
		{name: "token, keys by discovery", authorized: bearer(r.login.sign(t, nil)), caller: `User::"login|alice"`},
		{name: "API key", keys: []string{r.key}, caller: `Service::"key:cron"`},
		{name: "certificate of a user", certificate: &carol, caller: `User::"carol"`},
		{name: "certificate of a service", certificate: &billing, caller: `Service::"billing"`},
		{name: "token over a certificate", authorized: bearer(token), certificate: &billing, caller: `User::"file|alice"`},
		{name: "API key over a certificate", keys: []string{r.key}, certificate: &carol, caller: `Service::"key:cron"`},
		{name: "nothing", caller: access.Nobody.String()},
	}
}

// badOnes are those that must be refused. Anonymous callers may call here, so one that counts as none is found.
func (r *rig) badOnes(t *testing.T) []credential {
	t.Helper()
	in := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	stranger := newIssuer(t, r.file.URL, "stranger")
	good := r.file.sign(t, nil)
	outside := r.authority.Issue(t, time.Hour, "spiffe://other.test/user/carol")
	unnamed := r.authority.Issue(t, time.Hour)
	carol := r.authority.Issue(t, time.Hour, "spiffe://"+meshtest.TrustDomain+"/user/carol")
	unknown := apikey.NewSecret().Reveal()
	bad := []credential{
		{name: "expired", authorized: bearer(r.file.sign(t, map[string]any{"exp": in(-time.Hour)})), reason: mesh.ReasonTokenExpired, words: "get a new one"},
		{name: "expired, by discovery", authorized: bearer(r.login.sign(t, map[string]any{"exp": in(-time.Hour)})), reason: mesh.ReasonTokenExpired, words: "get a new one"},
		{name: "clock 5 min behind", authorized: bearer(r.file.sign(t, map[string]any{"iat": in(5 * time.Minute), "nbf": in(5 * time.Minute)})), reason: mesh.ReasonTokenNotYetValid, words: "clocks"},
		{name: "clock 5 min ahead", authorized: bearer(r.file.sign(t, map[string]any{"exp": in(-5 * time.Minute)})), reason: mesh.ReasonTokenExpired, words: "clocks"},
		{name: "not yet valid", authorized: bearer(r.file.sign(t, map[string]any{"nbf": in(time.Hour)})), reason: mesh.ReasonTokenNotYetValid, words: "from the future"},
		{name: "wrong audience", authorized: bearer(r.file.sign(t, map[string]any{"aud": "shop"})), reason: mesh.ReasonTokenAudience, words: "with the audience " + audience},
		{name: "wrong issuer", authorized: bearer(r.file.sign(t, map[string]any{"iss": "https://evil.test"})), reason: mesh.ReasonTokenIssuer, words: "get one of " + r.file.URL},
		{name: "of another's key", authorized: bearer(stranger.sign(t, nil)), reason: mesh.ReasonTokenSignature, words: "changed, or cut"},
		{name: "alg none", authorized: bearer(r.file.unsigned(t, "none", nil) + "."), reason: mesh.ReasonTokenAlgorithm, words: "signed with none"},
		{name: "HMAC with the public key", authorized: bearer(r.file.forged(t)), reason: mesh.ReasonTokenAlgorithm, words: "signed with HS256"},
		{name: "oversized", authorized: bearer(good + strings.Repeat("A", 9<<10)), reason: mesh.ReasonTokenTooLarge, words: "at most 8192"},
		{name: "truncated signature", authorized: bearer(good[:len(good)-8]), reason: mesh.ReasonTokenSignature, words: "changed, or cut"},
		{name: "truncated claims", authorized: bearer(good[:len(good)/4]), reason: mesh.ReasonTokenMalformed, words: "three parts"},
		{name: "no token", authorized: bearer("no.such.token"), reason: mesh.ReasonTokenMalformed, words: "token"},
		{name: "unknown API key", keys: []string{unknown}, reason: mesh.ReasonKeyUnknown, words: "is not known here"},
		{name: "truncated API key", keys: []string{r.key[:len(r.key)-2]}, reason: mesh.ReasonKeyUnknown, words: "is not known here"},
		{name: "certificate of another trust domain", certificate: &outside, reason: mesh.ReasonCertificateIdentity, words: "names nobody here"},
		{name: "certificate without a name", certificate: &unnamed, reason: mesh.ReasonCertificateIdentity, words: "names nobody here"},
		{name: "bad token over a good certificate", authorized: bearer("no.such.token"), certificate: &carol, reason: mesh.ReasonTokenMalformed},
		{name: "bad key over a good certificate", keys: []string{unknown}, certificate: &carol, reason: mesh.ReasonKeyUnknown, words: "is not known here"},
		{name: "bad key beside a good token", authorized: bearer(good), keys: []string{unknown}, reason: mesh.ReasonKeyUnknown, words: "is not known here"},
		{name: "bad token beside a good key", authorized: bearer("no.such.token"), keys: []string{r.key}, reason: mesh.ReasonTokenMalformed},
		{name: "token and key of two callers", authorized: bearer(good), keys: []string{r.key}, reason: mesh.ReasonCredentialsRepeated, words: "show one of them"},
		{name: "two tokens", authorized: append(bearer(good), bearer(r.login.sign(t, nil))...), reason: mesh.ReasonCredentialsRepeated, words: "send it once"},
		{name: "two keys", keys: []string{r.key, unknown}, reason: mesh.ReasonCredentialsRepeated, words: "send it once"},
	}
	return bad
}
