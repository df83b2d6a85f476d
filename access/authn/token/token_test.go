package token_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/access/authn/token"
	"github.com/collectiverpc/collective/mesh"
)

// keysFile writes a JWKS file.
func keysFile(t testing.TB, keys ...jose.JSONWebKey) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "jwks.json")
	if err := os.WriteFile(path, document(t, keys...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// byFile is a rig whose issuer has these keys in a file.
func byFile(t testing.TB, keys ...jose.JSONWebKey) *rig {
	t.Helper()
	return newRig(t, token.Issuer{URL: "https://login.test/realm", KeysFile: keysFile(t, keys...)}, nil)
}

// hmac signs with a shared secret: what an attacker can do who has the public key.
func hmac(t *testing.T, secret []byte, id string, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: secret}, (&jose.SignerOptions{}).WithHeader("kid", id))
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// embedded signs with a key that the token brings along.
func embedded(t *testing.T, p pair, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: p.algorithm, Key: p.private}, &jose.SignerOptions{EmbedJWK: true})
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// unsigned makes a token with any header and signature.
func unsigned(t testing.TB, header string, claims map[string]any, signature string) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(header)) + "." + encode(payload) + "." + encode([]byte(signature))
}

func TestAuthenticate_TakesTokensOfEveryKindOfKey(t *testing.T) {
	t.Parallel()
	pairs := []pair{newRSA(t, "r", 2048), newEC(t, "e"), newEd(t, "d")}
	var keys []jose.JSONWebKey
	for _, p := range pairs {
		keys = append(keys, p.jwk())
	}
	r := byFile(t, keys...)
	for _, p := range pairs {
		r.taken(t, p.sign(t, r.good(nil)), `User::"test|alice"`)
	}
	got, err := r.show(t.Context(), pairs[0].sign(t, r.good(map[string]any{"aud": []string{"other", audience}})))
	if err != nil || strings.Join(got.Groups, " ") != "readers writers" {
		t.Errorf("groups are %v, %v, want readers and writers", got, err)
	}
	r.taken(t, pairs[1].sign(t, r.good(nil), map[jose.HeaderKey]any{"typ": "at+jwt"}), `User::"test|alice"`)
	r.taken(t, pairs[1].sign(t, r.good(nil), map[jose.HeaderKey]any{}), `User::"test|alice"`)
}

func TestAuthenticate_KnowsNobodyWithoutABearerToken(t *testing.T) {
	t.Parallel()
	r := byFile(t, newEC(t, "e").jwk())
	for _, c := range []access.Credentials{{}, {Authorization: "Basic YTpi"}, {APIKey: "x"}, {Authorization: "bearertoken"}} {
		if p, err := r.Authenticate(t.Context(), &c); p != nil || err != nil {
			t.Errorf("%q: %v, %v, want nobody", c.Authorization, p, err)
		}
	}
}

func TestAuthenticate_RefusesEveryBadTokenForItsReason(t *testing.T) {
	t.Parallel()
	own, other := newRSA(t, "k", 2048), newRSA(t, "k", 2048)
	ec := newEC(t, "e")
	r := byFile(t, own.jwk(), ec.jwk())
	good := own.sign(t, r.good(nil))
	parts := strings.Split(good, ".")
	now := r.watch.time()
	in := func(d time.Duration) int64 { return now.Add(d).Unix() }
	der, err := x509.MarshalPKIXPublicKey(own.private.Public())
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	many := make([]string, 300)
	for i := range many {
		many[i] = "g" + strings.Repeat("x", i%7) + string(rune('a'+i%26))
	}
	for name, bad := range map[string]struct {
		text   string
		reason mesh.Reason
		words  string
	}{
		"expired":                {own.sign(t, r.good(map[string]any{"exp": in(-2 * time.Minute)})), mesh.ReasonTokenExpired, "expired 2m"},
		"expired within leeway+": {own.sign(t, r.good(map[string]any{"exp": in(-61 * time.Second)})), mesh.ReasonTokenExpired, "clocks"},
		"never expires":          {own.sign(t, r.good(map[string]any{"exp": nil})), mesh.ReasonTokenMalformed, "no exp"},
		"not yet valid":          {own.sign(t, r.good(map[string]any{"nbf": in(3 * time.Minute)})), mesh.ReasonTokenNotYetValid, "valid in 3m0s"},
		"issued in the future":   {own.sign(t, r.good(map[string]any{"iat": in(5 * time.Minute)})), mesh.ReasonTokenNotYetValid, "clocks"},
		"wrong audience":         {own.sign(t, r.good(map[string]any{"aud": "other"})), mesh.ReasonTokenAudience, "with the audience mesh"},
		"no audience":            {own.sign(t, r.good(map[string]any{"aud": nil})), mesh.ReasonTokenAudience, "with the audience mesh"},
		"wrong issuer":           {own.sign(t, r.good(map[string]any{"iss": "https://login.test/"})), mesh.ReasonTokenIssuer, "get one of https://login.test/realm"},
		"no issuer":              {own.sign(t, r.good(map[string]any{"iss": nil})), mesh.ReasonTokenIssuer, "another issuer"},
		"no subject":             {own.sign(t, r.good(map[string]any{"sub": nil})), mesh.ReasonTokenMalformed, "subject"},
		"a subject too long":     {own.sign(t, r.good(map[string]any{"sub": strings.Repeat("mallory", 40)})), mesh.ReasonTokenMalformed, "256 bytes"},
		"a subject of two lines": {own.sign(t, r.good(map[string]any{"sub": "mallory\nadmin"})), mesh.ReasonTokenMalformed, "control characters"},
		"a subject of a number":  {own.sign(t, r.good(map[string]any{"sub": 7})), mesh.ReasonTokenMalformed, "type"},
		"an exp of text":         {own.sign(t, r.good(map[string]any{"exp": "tomorrow"})), mesh.ReasonTokenMalformed, "type"},
		"groups of a number":     {own.sign(t, r.good(map[string]any{"groups": 7})), mesh.ReasonTokenMalformed, "list of strings"},
		"too many groups":        {own.sign(t, r.good(map[string]any{"groups": many})), mesh.ReasonTokenMalformed, "128 groups"},
		"groups elsewhere":       {own.sign(t, r.good(map[string]any{"groups": nil, "_claim_names": map[string]string{"groups": "src1"}})), mesh.ReasonTokenMalformed, "_claim_names"},
		"alg none":               {unsigned(t, `{"alg":"none","typ":"JWT"}`, r.good(nil), ""), mesh.ReasonTokenAlgorithm, "signed with none"},
		"alg None":               {unsigned(t, `{"alg":"None","typ":"JWT"}`, r.good(nil), ""), mesh.ReasonTokenAlgorithm, "not known"},
		"no alg":                 {unsigned(t, `{"typ":"JWT"}`, r.good(nil), "x"), mesh.ReasonTokenAlgorithm, "not known"},
		"alg of a stranger":      {unsigned(t, `{"alg":"mallory"}`, r.good(nil), "x"), mesh.ReasonTokenAlgorithm, "not known"},
		"HMAC with the PEM":      {hmac(t, public, "k", r.good(nil)), mesh.ReasonTokenAlgorithm, "signed with HS256"},
		"HMAC with the DER":      {hmac(t, der, "k", r.good(nil)), mesh.ReasonTokenAlgorithm, "signed with HS256"},
		"HMAC with the modulus":  {hmac(t, own.private.(*rsa.PrivateKey).N.Bytes(), "k", r.good(nil)), mesh.ReasonTokenAlgorithm, "signed with HS256"},
		"of another's key":       {other.sign(t, r.good(nil)), mesh.ReasonTokenSignature, "changed, or cut"},
		"unknown key id":         {pair{"z", own.algorithm, own.private}.sign(t, r.good(nil)), mesh.ReasonTokenSignature, "no key that the issuer"},
		"key id of another key":  {pair{"e", own.algorithm, own.private}.sign(t, r.good(nil)), mesh.ReasonTokenSignature, "no key that the issuer"},
		"another hash":           {pair{"k", jose.RS512, own.private}.sign(t, r.good(nil)), mesh.ReasonTokenSignature, "no key that the issuer"},
		"key id of a path":       {unsigned(t, `{"alg":"RS256","kid":"../../jwks.json"}`, r.good(nil), "x"), mesh.ReasonTokenSignature, "no key"},
		"key in the header":      {embedded(t, other, r.good(nil)), mesh.ReasonTokenSignature, ""},
		"critical extension":     {unsigned(t, `{"alg":"RS256","kid":"k","crit":["x"],"x":1}`, r.good(nil), "x"), mesh.ReasonTokenSignature, ""},
		"changed claims":         {parts[0] + "." + strings.Split(own.sign(t, r.good(map[string]any{"sub": "mallory"})), ".")[1] + "." + parts[2], mesh.ReasonTokenSignature, "changed, or cut"},
		"cut signature":          {good[:len(good)-8], mesh.ReasonTokenSignature, "changed, or cut"},
		"no signature":           {parts[0] + "." + parts[1] + ".", mesh.ReasonTokenSignature, "changed, or cut"},
		"cut within the claims":  {good[:len(parts[0])+20], mesh.ReasonTokenMalformed, "three parts"},
		"garbage":                {"\x00\xff not a token", mesh.ReasonTokenMalformed, "three parts"},
		"nothing":                {"", mesh.ReasonTokenMalformed, "three parts"},
		"three dots":             {"...", mesh.ReasonTokenMalformed, "three parts"},
		"encrypted":              {"a.b.c.d.e", mesh.ReasonTokenMalformed, "JWE"},
		"JSON form":              {`{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`, mesh.ReasonTokenMalformed, "three parts"},
		"two tokens":             {good + ", " + good, mesh.ReasonTokenMalformed, "three parts"},
		"two tokens apart":       {good + " " + good, mesh.ReasonTokenMalformed, "three parts"},
		"a line end within":      {parts[0] + ".\n" + parts[1] + "." + parts[2], mesh.ReasonTokenMalformed, "three parts"},
		"claims of a list":       {parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`["x"]`)) + "." + parts[2], mesh.ReasonTokenMalformed, "JSON object"},
		"an issuer twice":        {parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"a","iss":"https://login.test/realm"}`)) + "." + parts[2], mesh.ReasonTokenMalformed, "JSON object"},
		"a logout token":         {own.sign(t, r.good(nil), map[jose.HeaderKey]any{"typ": "logout+jwt"}), mesh.ReasonTokenMalformed, "another type"},
		"oversized":              {good + strings.Repeat("A", 8<<10), mesh.ReasonTokenTooLarge, "at most 8192"},
		"oversized garbage":      {strings.Repeat(".", 1<<20), mesh.ReasonTokenTooLarge, "1048576 bytes"},
	} {
		t.Run(name, func(t *testing.T) { r.refused(t, bad.text, bad.reason, bad.words) })
	}
	r.taken(t, good, `User::"test|alice"`) // and the good one still is
}
