package access_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/collectiverpc/collective/access"
)

func principal(t testing.TB, kind access.Kind, id string, groups ...string) *access.Principal {
	t.Helper()
	p, err := access.NewPrincipal(kind, id, groups...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCaller_CrossesALink(t *testing.T) {
	t.Parallel()
	alice := principal(t, access.KindUser, "alice@example.org", "ops", "admins", "ops")
	for _, c := range []*access.Caller{
		access.NewCaller(alice, access.Origin{Network: access.NetworkRemote, TLS: true, Entrance: "native"}),
		access.NewCaller(access.Nobody, access.Origin{Network: access.NetworkLoopback}),
		access.NewCaller(principal(t, access.KindService, "spiffe://example.org/ns/a b/sa/web"), access.Origin{Network: access.NetworkProcess}),
		access.NewCaller(nil, access.Origin{Network: "no such"}),
	} {
		back, err := access.ParseCaller(c.Text(), "orders-1")
		if err != nil {
			t.Fatalf("%q: %v", c.Text(), err)
		}
		want := c.Origin
		want.Via = "orders-1"
		if back.Origin != want || back.String() != c.String() || strings.Join(back.Groups, ",") != strings.Join(c.Groups, ",") {
			t.Errorf("%q came back as %v %+v %v, want %v %+v", c.Text(), back, back.Origin, back.Groups, c, want)
		}
		if back.Text() != c.Text() {
			t.Errorf("the text changed from %q to %q", c.Text(), back.Text())
		}
	}
}

func TestParseCaller_RefusesWhatNobodyWrites(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing":              "",
		"another version":      "2\nUser\nalice\nremote\nplain\nnative",
		"too few fields":       "1\nUser\nalice\nremote\nplain",
		"unknown kind":         "1\nRoot\nalice\nremote\nplain\nnative",
		"no id":                "1\nUser\n\nremote\nplain\nnative",
		"anonymous by a name":  "1\nAnonymous\nalice\nremote\nplain\nnative",
		"anonymous in a group": "1\nAnonymous\nanonymous\nremote\nplain\nnative\noperators",
		"unknown network":      "1\nUser\nalice\nmoon\nplain\nnative",
		"neither TLS nor not":  "1\nUser\nalice\nremote\nyes\nnative",
		"entrance in capitals": "1\nUser\nalice\nremote\nplain\nNATIVE",
		"groups unsorted":      "1\nUser\nalice\nremote\nplain\nnative\nb\na",
		"group twice":          "1\nUser\nalice\nremote\nplain\nnative\na\na",
		"empty group":          "1\nUser\nalice\nremote\nplain\nnative\n",
		"control characters":   "1\nUser\na\x1bb\nremote\nplain\nnative",
		"text is turned":       "1\nUser\na\u202eb\nremote\nplain\nnative",
		"no UTF-8":             "1\nUser\na\xffb\nremote\nplain\nnative",
		"id of 257 bytes":      "1\nUser\n" + strings.Repeat("x", 257) + "\nremote\nplain\nnative",
		"129 groups":           "1\nUser\na\nremote\nplain\nnative" + groupLines(129),
		"more than 4 KiB":      "1\nUser\na\nremote\nplain\nnative\n" + strings.Repeat("x", 4<<10),
	} {
		if c, err := access.ParseCaller(text, "a"); !errors.Is(err, access.ErrCallerText) {
			t.Errorf("%s: %v, %v; want ErrCallerText", name, c, err)
		}
	}
	valid := access.NewCaller(access.Nobody, access.Origin{}).Text()
	for _, via := range []string{"", "a b", "a\nb", strings.Repeat("x", 64)} {
		if _, err := access.ParseCaller(valid, via); !errors.Is(err, access.ErrCallerText) {
			t.Errorf("via %.20q: %v, want ErrCallerText", via, err)
		}
	}
}

func groupLines(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "\ng%03d", i)
	}
	return b.String()
}

// The largest principal that can be has a text that a link carries.
func TestCaller_TextIsBounded(t *testing.T) {
	t.Parallel()
	groups := make([]string, 128)
	for i := range groups {
		groups[i] = fmt.Sprintf("%024d", i) // 128 × 24 bytes are the 3 KiB
	}
	p := principal(t, access.KindCollector, strings.Repeat("x", 256), groups...)
	text := access.NewCaller(p, access.Origin{Network: access.NetworkLoopback, TLS: true, Entrance: strings.Repeat("e", 32)}).Text()
	if len(text) > 4<<10 {
		t.Fatalf("%d bytes", len(text))
	}
	if _, err := access.ParseCaller(text, "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := access.NewPrincipal(access.KindUser, "a", append(groups, "one more")...); !errors.Is(err, access.ErrPrincipal) {
		t.Errorf("a group too many: %v", err)
	}
}

func TestNewCaller_OfNoPrincipalIsNobody(t *testing.T) {
	t.Parallel()
	for _, p := range []*access.Principal{nil, {}, {Kind: "Root", ID: "x"}, {Kind: access.KindUser, ID: "a\nb"}, {Kind: access.KindUser, ID: "a", Groups: []string{"b", "a"}}} {
		if c := access.NewCaller(p, access.Origin{}); c.Principal != access.Nobody {
			t.Errorf("%+v became %v", p, c)
		}
	}
}

func TestContext_HasItsCaller(t *testing.T) {
	t.Parallel()
	if p, ok := access.PrincipalFromContext(t.Context()); ok {
		t.Errorf("nobody called, and yet: %v", p)
	}
	alice := access.NewCaller(principal(t, access.KindUser, "alice"), access.Origin{})
	ctx := access.WithCaller(t.Context(), alice)
	if p, ok := access.PrincipalFromContext(ctx); !ok || p != alice.Principal {
		t.Errorf("PrincipalFromContext: %v, %v", p, ok)
	}
	if c, _ := ctx.Value(access.ContextKey).(*access.Caller); c != alice {
		t.Errorf("by the key: %v", c)
	}
	if _, ok := access.CallerFromContext(access.WithCaller(t.Context(), nil)); ok {
		t.Error("a nil caller is one")
	}
}

func FuzzParseCaller(f *testing.F) {
	f.Add("1\nUser\nalice\nremote\ntls\nnative\nops", "a")
	f.Add("1\nAnonymous\nanonymous\nloopback\nplain\n", "orders-1")
	f.Add("1\nUser\n\nremote\nplain\nnative\n\n", "")
	f.Fuzz(func(t *testing.T, text, via string) {
		c, err := access.ParseCaller(text, via)
		if err != nil {
			if c != nil || !errors.Is(err, access.ErrCallerText) || len(err.Error()) > 4096 {
				t.Errorf("%q: %v, %v", text, c, err)
			}
			return
		}
		if c.Text() != text || c.Via != via || c.Check() != nil || len(text) > 4<<10 {
			t.Errorf("%q via %q became %q via %q", text, via, c.Text(), c.Via)
		}
	})
}
