package token_test

import (
	"strings"
	"testing"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/access/authn/token"
)

func TestGroups_AreThoseOfTheClaim(t *testing.T) {
	t.Parallel()
	key := newEC(t, "k")
	for name, test := range map[string]struct {
		issuer token.Issuer
		claims map[string]any
		want   string
	}{
		"default":                       {token.Issuer{}, nil, "readers writers"},
		"none":                          {token.Issuer{}, map[string]any{"groups": nil}, ""},
		"an empty list":                 {token.Issuer{}, map[string]any{"groups": []string{}}, ""},
		"a string":                      {token.Issuer{}, map[string]any{"groups": "one"}, "one"},
		"twice the same":                {token.Issuer{}, map[string]any{"groups": []string{"a", "a"}}, "a"},
		"another claim":                 {token.Issuer{GroupsClaim: "roles"}, map[string]any{"roles": []string{"r"}}, "r"},
		"a claim within another":        {token.Issuer{GroupsClaim: "realm_access.roles"}, map[string]any{"realm_access": map[string]any{"roles": []string{"r"}}}, "r"},
		"a claim with dots":             {token.Issuer{GroupsClaim: "https://x.test/g"}, map[string]any{"https://x.test/g": []string{"r"}}, "r"},
		"nothing within":                {token.Issuer{GroupsClaim: "sub.roles"}, nil, ""},
		"operators of the issuer's own": {token.Issuer{}, map[string]any{"groups": []string{"operators", "a"}}, "a"},
		"operators that are named":      {token.Issuer{Operators: "mesh-admins"}, map[string]any{"groups": []string{"mesh-admins"}}, "mesh-admins operators"},
		"operators that are not named":  {token.Issuer{Operators: "mesh-admins"}, map[string]any{"groups": []string{"operators"}}, ""},
		"operators by that name":        {token.Issuer{Operators: "operators"}, map[string]any{"groups": []string{"operators"}}, "operators"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.issuer.URL, test.issuer.KeysFile = "https://login.test", keysFile(t, key.jwk())
			r := newRig(t, test.issuer, nil)
			p, err := r.show(t.Context(), key.sign(t, r.good(test.claims)))
			if err != nil || strings.Join(p.Groups, " ") != test.want {
				t.Errorf("%v, %v, want %q", p, err, test.want)
			}
		})
	}
}

// Subjects of two issuers, and of one whose subjects look like another's, are never the same principal.
func TestPrincipals_OfTwoIssuersAreDisjoint(t *testing.T) {
	t.Parallel()
	key := newEC(t, "k")
	file := keysFile(t, key.jwk())
	a, err := token.New([]token.Issuer{
		{URL: "https://a.test/", KeysFile: file, Audiences: []string{audience}},
		{URL: "https://b.test/realms/b", KeysFile: file, Audiences: []string{audience}, Kind: access.KindService},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	r := &rig{Authenticator: a}
	now := newWatch().time()
	r.taken(t, key.sign(t, claims(now, "https://a.test/", nil)), `User::"a.test|alice"`)
	r.taken(t, key.sign(t, claims(now, "https://b.test/realms/b", nil)), `Service::"b.test/realms/b|alice"`)
	r.taken(t, key.sign(t, claims(now, "https://a.test/", map[string]any{"sub": "b.test/realms/b|alice"})), `User::"a.test|b.test/realms/b|alice"`)
}

func TestNew_ListsWhatIsWrongWithIssuers(t *testing.T) {
	t.Parallel()
	file := keysFile(t, newEC(t, "k").jwk())
	for words, issuers := range map[string][]token.Issuer{
		"want the issuer":         nil,
		"want 1 to 256":           {{KeysFile: file, Audiences: []string{"a"}}},
		"want the audience":       {{URL: "https://a.test", KeysFile: file}},
		"any other program":       {{URL: "https://a.test", KeysFile: file, Audiences: []string{""}}},
		"without '|'":             {{URL: "https://a.test", KeysFile: file, Audiences: []string{"a"}, Alias: "a|b"}},
		"want User or Service":    {{URL: "https://a.test", KeysFile: file, Audiences: []string{"a"}, Kind: access.KindCollector}},
		"over https":              {{URL: "http://a.test", Audiences: []string{"a"}}},
		"without user, query":     {{URL: "https://a.test?x", Audiences: []string{"a"}}},
		"same URL or alias":       {{URL: "https://a.test", KeysFile: file, Audiences: []string{"a"}}, {URL: "http://a.test/", KeysFile: file, Audiences: []string{"a"}}},
		"no such file":            {{URL: "https://a.test", KeysFile: file + ".missing", Audiences: []string{"a"}}},
		`issuer "https://b.test"`: {{URL: "https://a.test"}, {URL: "https://b.test"}},
	} {
		a, err := token.New(issuers)
		if a != nil || err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%v, %v, want %q", a, err, words)
		}
	}
}
