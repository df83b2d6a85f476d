package session_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/dispatcher/internal/session"
	"github.com/collectiverpc/collective/internal/audit"
	"github.com/collectiverpc/collective/mesh"
)

const home = "http://127.0.0.1:50051"

var ann = &access.Principal{Kind: access.KindUser, ID: "uid:ann", Groups: []string{access.GroupOperators}}

// rig is the sessions of a collector whose other requests are answered with who asks, and what came along.
type rig struct {
	*session.Sessions
	http.Handler
	mu     sync.Mutex
	events []access.Event
	seen   http.Header
}

func newRig() *rig {
	r := new(rig)
	r.Sessions = session.New("a", func(e access.Event) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.events = append(r.events, e)
	})
	r.Handler = r.Sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.seen = req.Header
		if p, ok := session.Principal(req.Context()); ok {
			fmt.Fprint(w, p.ID)
		}
	}))
	return r
}

// browser keeps what one keeps.
type browser struct {
	cookie *http.Cookie
	key    string
}

func (r *rig) open(token string, b *browser) *http.Response {
	req := httptest.NewRequest(http.MethodGet, home+mesh.LoginPath+"?token="+token, nil)
	if b.cookie != nil {
		req.AddCookie(b.cookie)
	}
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	res := w.Result()
	if cookies := res.Cookies(); len(cookies) == 1 {
		b.cookie = cookies[0]
		_, b.key, _ = strings.Cut(res.Header.Get("Location"), "#session=")
	}
	return res
}

// ask says who the collector takes a browser for; empty for nobody.
func (r *rig) ask(b browser, method, path string, headers ...string) (who string, res *http.Response) {
	req := httptest.NewRequest(method, home+path, nil)
	if b.cookie != nil {
		req.AddCookie(&http.Cookie{Name: "theme", Value: "dark"})
		req.AddCookie(b.cookie)
	}
	if b.key != "" {
		req.Header.Set(mesh.HeaderSession, b.key)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	return w.Body.String(), w.Result()
}

func TestALinkIsGoodForOneSession(t *testing.T) {
	t.Parallel()
	r, b := newRig(), new(browser)
	token, _ := r.Issue(ann)
	res := r.open(token.Reveal(), b)
	if res.StatusCode != http.StatusSeeOther || b.key == "" || !strings.HasPrefix(res.Header.Get("Location"), "./#") ||
		res.Header.Get("Referrer-Policy") != "no-referrer" || res.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v", res.StatusCode, res.Header)
	}
	set := res.Header.Get("Set-Cookie")
	if !strings.HasPrefix(set, "collector-a-50051=") || !strings.HasSuffix(set, "; Path=/; HttpOnly; SameSite=Strict") || strings.Contains(set, b.key) {
		t.Errorf("cookie %q", set)
	}
	if who, _ := r.ask(*b, "POST", "/x.S/M", "Origin", home); who != "uid:ann" {
		t.Errorf("taken for %q", who)
	}
	if again := r.open(token.Reveal(), new(browser)); again.StatusCode != http.StatusForbidden || again.Header.Get("Set-Cookie") != "" {
		t.Errorf("another browser by the same link: %d %v", again.StatusCode, again.Header)
	}
	if again := r.open(token.Reveal(), b); again.StatusCode != http.StatusSeeOther || again.Header.Get("Location") != "./" {
		t.Errorf("the same browser again: %d %v, want the console", again.StatusCode, again.Header)
	}
	if len(r.events) != 2 || r.events[0].ID != "uid:ann" || !r.events[0].Allowed || r.events[1].Allowed || r.events[1].Action != audit.Login {
		t.Errorf("audit: %+v", r.events)
	}
	if text, _ := json.Marshal(r.events); strings.Contains(string(text), token.Reveal()) || strings.Contains(string(text), b.key) {
		t.Errorf("a secret is in the audit log: %s", text)
	}
}

// Half of a session is none: a server on another port of this host gets the cookie, and a script that can read storage gets the key.
func TestBothHalvesAndOneOrigin(t *testing.T) {
	t.Parallel()
	r, b, other := newRig(), new(browser), new(browser)
	one, _ := r.Issue(ann)
	two, _ := r.Issue(ann)
	r.open(one.Reveal(), b)
	r.open(two.Reveal(), other)
	for name, tt := range map[string]struct {
		browser browser
		headers []string
		want    string
	}{
		"both":                 {*b, nil, "uid:ann"},
		"same origin":          {*b, []string{"Sec-Fetch-Site", "same-origin"}, "uid:ann"},
		"cookie alone":         {browser{cookie: b.cookie}, nil, ""},
		"key alone":            {browser{key: b.key}, nil, ""},
		"key of another":       {browser{b.cookie, other.key}, nil, ""},
		"wrong key":            {browser{b.cookie, "x"}, nil, ""},
		"another port":         {*b, []string{"Origin", "http://127.0.0.1:9999", "Sec-Fetch-Site", "same-site"}, ""},
		"another site":         {*b, []string{"Origin", "http://evil.example", "Sec-Fetch-Site", "cross-site"}, ""},
		"another, old browser": {*b, []string{"Origin", "http://evil.example"}, ""},
	} {
		who, _ := r.ask(tt.browser, "POST", "/x.S/M", tt.headers...)
		if who != tt.want {
			t.Errorf("%s: taken for %q, want %q", name, who, tt.want)
		}
		if r.seen.Get(mesh.HeaderSession) != "" || strings.Contains(r.seen.Get("Cookie"), "collector") {
			t.Errorf("%s: a handler sees %v", name, r.seen)
		}
		if tt.browser.cookie != nil && r.seen.Get("Cookie") != "theme=dark" {
			t.Errorf("%s: other cookies became %q", name, r.seen.Get("Cookie"))
		}
	}
}

// A link may lead to any page of the console, and to nothing else.
func TestALinkLeadsToItsPage(t *testing.T) {
	t.Parallel()
	r := newRig()
	for query, want := range map[string]string{
		"&page=traffic&errors=1":             "./traffic?errors=1#",
		"&page=":                             "./#",
		"&page=//evil.example":               "./%2F%2Fevil.example#",
		"&page=http:evil.example":            "./http:evil.example#",
		"&page=a%0d%0aSet-Cookie:%20x=y":     "./a%0D%0ASet-Cookie:%20x=y#",
		"&page=%23session=0&session=0&x=%23": "./%23session=0?session=0&x=%23#",
	} {
		token, _ := r.Issue(ann)
		at := r.open(token.Reveal()+query, new(browser)).Header.Get("Location")
		if !strings.HasPrefix(at, want+"session=") {
			t.Errorf("%s leads to %q, want %q", query, at, want)
		}
	}
}

func TestLogout(t *testing.T) {
	t.Parallel()
	r, b := newRig(), new(browser)
	token, _ := r.Issue(ann)
	r.open(token.Reveal(), b)
	if _, res := r.ask(*b, "GET", mesh.LogoutPath); res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("by GET: %d", res.StatusCode)
	}
	if _, _ = r.ask(browser{cookie: b.cookie}, "POST", mesh.LogoutPath); len(r.events) != 1 {
		t.Errorf("by the cookie alone: %v", r.events)
	}
	_, res := r.ask(*b, "POST", mesh.LogoutPath, "Origin", home)
	if res.StatusCode != http.StatusNoContent || !strings.Contains(res.Header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
	if who, _ := r.ask(*b, "POST", "/x.S/M"); who != "" {
		t.Errorf("still taken for %q", who)
	}
	if last := r.events[len(r.events)-1]; last.Action != audit.Logout || last.ID != "uid:ann" {
		t.Errorf("audit: %+v", r.events)
	}
}

func TestLooksBeforehandUseNothingUp(t *testing.T) {
	t.Parallel()
	r := newRig()
	token, _ := r.Issue(ann)
	for _, method := range []string{http.MethodHead, http.MethodPost, http.MethodOptions} {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest(method, home+mesh.LoginPath+"?token="+token.Reveal(), nil))
		if w.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", method, w.Code)
		}
	}
	if res := r.open(token.Reveal(), new(browser)); res.StatusCode != http.StatusSeeOther {
		t.Errorf("%d", res.StatusCode)
	}
}

func TestWithTLSTheCookieIsOfThisHost(t *testing.T) {
	t.Parallel()
	r := newRig()
	token, _ := r.Issue(ann)
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "https://mesh.example"+mesh.LoginPath+"?token="+token.Reveal(), nil))
	if set := w.Header().Get("Set-Cookie"); !strings.HasPrefix(set, "__Host-collector-a=") || !strings.Contains(set, "; Secure;") {
		t.Errorf("cookie %q", set)
	}
}

func TestWhatIsOldEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, b := newRig(), new(browser)
		late, _ := r.Issue(ann)
		time.Sleep(session.LoginAge + time.Second)
		if res := r.open(late.Reveal(), new(browser)); res.StatusCode != http.StatusForbidden {
			t.Errorf("an old link: %d", res.StatusCode)
		}
		token, _ := r.Issue(ann)
		r.open(token.Reveal(), b)
		for range session.LongestTime / (11 * time.Hour) {
			time.Sleep(11 * time.Hour)
			if who, _ := r.ask(*b, "POST", "/x.S/M"); who == "" {
				t.Fatal("a session that is used ended early")
			}
		}
		time.Sleep(11 * time.Hour)
		if who, _ := r.ask(*b, "POST", "/x.S/M"); who != "" {
			t.Error("a session outlives its longest time")
		}
		token, _ = r.Issue(ann)
		r.open(token.Reveal(), b)
		time.Sleep(session.IdleTime + time.Second)
		if who, _ := r.ask(*b, "POST", "/x.S/M"); who != "" {
			t.Error("a session that nobody uses stays")
		}
	})
}

// Guessing costs nobody else anything: it is refused, told of a few times, and a good link works meanwhile.
func TestGuessing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig()
		token, _ := r.Issue(ann)
		codes := make(map[int]int)
		for i := range 1000 {
			codes[r.open(fmt.Sprint("guess", i), new(browser)).StatusCode]++
		}
		if codes[http.StatusForbidden] != session.RefusedBurst || codes[http.StatusTooManyRequests] != 1000-session.RefusedBurst ||
			len(r.events) != session.RefusedBurst {
			t.Errorf("%v, %d events", codes, len(r.events))
		}
		if res := r.open(token.Reveal(), new(browser)); res.StatusCode != http.StatusSeeOther {
			t.Errorf("a good link: %d", res.StatusCode)
		}
		time.Sleep(session.RefusedEvery)
		if res := r.open("guess", new(browser)); res.StatusCode != http.StatusForbidden {
			t.Errorf("later: %d", res.StatusCode)
		}
	})
}

func TestManyAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig()
		first, _ := r.Issue(ann)
		for range session.MostLogins {
			time.Sleep(time.Millisecond)
			r.Issue(ann)
		}
		if res := r.open(first.Reveal(), new(browser)); res.StatusCode != http.StatusForbidden {
			t.Errorf("the oldest link of too many: %d", res.StatusCode)
		}
		all := make([]browser, session.MostSessions+1)
		for i := range all {
			time.Sleep(time.Millisecond)
			token, _ := r.Issue(ann)
			r.open(token.Reveal(), &all[i])
			r.ask(all[0], "POST", "/x.S/M") // in use
		}
		for i, want := range map[int]string{0: "uid:ann", 1: "", 2: "uid:ann", session.MostSessions: "uid:ann"} {
			if who, _ := r.ask(all[i], "POST", "/x.S/M"); who != want {
				t.Errorf("session %d: %q, want %q", i, who, want)
			}
		}
	})
}

func TestSecretsDoNotPrint(t *testing.T) {
	t.Parallel()
	token, _ := newRig().Issue(ann)
	encoded, err := json.Marshal(map[string]any{"token": token})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(token), fmt.Sprintf("%+v %#v %q", token, token, token), string(encoded), token.LogValue().String()} {
		if strings.Contains(text, token.Reveal()) {
			t.Errorf("%s", text)
		}
	}
	if len(token.Reveal()) != 43 { // 256 bits
		t.Errorf("%d characters", len(token.Reveal()))
	}
}

func TestACallerIsMadeOnce(t *testing.T) {
	t.Parallel()
	r, b := newRig(), new(browser)
	token, _ := r.Issue(ann)
	r.open(token.Reveal(), b)
	handler := r.Sessions.Handler(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		s := session.FromContext(req.Context())
		near, far := access.Origin{Network: access.NetworkLoopback}, access.Origin{Network: access.NetworkRemote, TLS: true}
		first := s.Caller(near)
		if first != s.Caller(near) || s.Caller(near) == s.Caller(far) || s.Caller(far).Network != access.NetworkRemote {
			t.Error("callers are not those of their origins")
		}
	}))
	req := httptest.NewRequest(http.MethodPost, home+"/x.S/M", nil)
	req.AddCookie(b.cookie)
	req.Header.Set(mesh.HeaderSession, b.key)
	handler.ServeHTTP(httptest.NewRecorder(), req)
}
