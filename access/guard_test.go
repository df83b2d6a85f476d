package access_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/access"
)

const aliceCalls = `@id("alice-calls") permit (principal == User::"alice", action == Action::"call", resource);`

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestReload_PutsTheFileInForce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "policy.cedar")
	write(t, path, aliceCalls)
	g := guard(t, access.WithPolicyFile(path))
	callers := who(t)
	if !g.Decide(callers["alice"], access.Call, what["create"]).Allowed || g.Decide(callers["bob"], access.Call, what["create"]).Allowed {
		t.Fatal("the file is not in force")
	}
	if files := g.Files(); len(files) != 1 || files[0] != path {
		t.Errorf("Files: %q", files)
	}
	write(t, path, strings.ReplaceAll(aliceCalls, "alice", "bob"))
	before := g.Revision()
	if err := g.Reload(); err != nil || g.Revision() == before {
		t.Fatalf("%v, revision %d as before", err, before)
	}
	if g.Decide(callers["alice"], access.Call, what["create"]).Allowed || !g.Decide(callers["bob"], access.Call, what["create"]).Allowed {
		t.Error("a decision from before the reload is remembered")
	}
}

// A file that cannot be used any more changes nothing but the log and the lines, until it can be used again.
func TestReload_BrokenFileKeepsWhatWas(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "policy.cedar")
	for name, spoil := range map[string]func(){
		"syntax":         func() { write(t, path, aliceCalls+"\npermit (") },
		"unknown action": func() { write(t, path, strings.Replace(aliceCalls, `"call"`, `"cal"`, 1)) },
		"type error":     func() { write(t, path, `permit (principal, action, resource) when { context.tls == 1 };`) },
		"too large":      func() { write(t, path, strings.Repeat("//\n", 1<<19)) },
		"gone":           func() { _ = os.Remove(path) },
	} {
		write(t, path, aliceCalls)
		var log bytes.Buffer
		g := guard(t, access.WithPolicyFile(path), access.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
		before := strings.Join(g.Lines(), "\n")
		spoil()
		if err := g.Reload(); !errors.Is(err, access.ErrPolicy) {
			t.Errorf("%s: Reload: %v", name, err)
		}
		if !g.Decide(who(t)["alice"], access.Call, what["create"]).Allowed {
			t.Errorf("%s: the policies from before are not in force", name)
		}
		if lines := strings.Join(g.Lines(), "\n"); !strings.Contains(lines, "CANNOT BE USED") || !strings.Contains(lines, path) {
			t.Errorf("%s: Lines do not say it: %s", name, lines)
		}
		if !strings.Contains(log.String(), "level=ERROR") {
			t.Errorf("%s: the log does not say it: %s", name, log.String())
		}
		write(t, path, aliceCalls)
		if err := g.Reload(); err != nil || strings.Join(g.Lines(), "\n") != before {
			t.Errorf("%s: mended: %v, %q, want %q", name, err, g.Lines(), before)
		}
	}
}

func TestNew_RefusesWhatCannotBeUsed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "policy.cedar")
	write(t, path, "// mine\n"+aliceCalls+"\n  permit (principal, action, resource) when { context.netwerk == \"x\" };\n")
	_, err := access.New(access.WithPolicyFile(path))
	refused, ok := errors.AsType[*access.PolicyError](err)
	if !ok || !errors.Is(err, access.ErrPolicy) || len(refused.Problems) != 1 {
		t.Fatalf("%v", err)
	}
	if p := refused.Problems[0]; p.Line != 3 || p.Column != 55 || p.File != path || !strings.Contains(p.Message, "netwerk") || p.Hint == "" {
		t.Errorf("%+v", p)
	}
	if _, err := access.New(access.WithPolicyFile(path + ".gone")); !errors.Is(err, access.ErrPolicy) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	taken := strings.Replace(aliceCalls, "alice-calls", "socket-operators", 1)
	if _, err := access.New(access.WithPolicies("p", []byte(taken))); err == nil || !strings.Contains(err.Error(), "always in force") {
		t.Errorf("an id of the floor: %v", err)
	}
	if _, err := access.New(access.WithAuthenticator(nil)); err == nil {
		t.Error("a nil authenticator is accepted")
	}
}

// A policy that cannot be evaluated does not apply, says so in each decision, and is logged once.
func TestDecide_FailingPolicyDoesNotApply(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	g := guard(t, access.WithLogger(slog.New(slog.NewTextHandler(&log, nil))), access.WithPolicies("p.cedar", []byte(aliceCalls+`
@id("overflows") permit (principal, action, resource) when { 9223372036854775807 + 1 == 0 || context.tls };
@id("overflows-too") forbid (principal, action == Action::"call", resource) when { 9223372036854775807 + 1 == 0 };`)))
	callers := who(t)
	for _, r := range what {
		if d := g.Decide(callers["alice"], access.Call, r); !d.Allowed || len(d.Errors) != 2 {
			t.Fatalf("%+v", d)
		}
		if d := g.Decide(callers["bob"], access.Call, r); d.Allowed {
			t.Fatalf("%+v", d)
		}
	}
	if n := strings.Count(log.String(), "cannot be evaluated"); n != 2 {
		t.Errorf("logged %d times:\n%s", n, log.String())
	}
}

// Strangers who make up names and callers do not make the guard grow.
func TestDecide_MadeUpNamesAreForgotten(t *testing.T) {
	t.Parallel()
	g := guard(t)
	callers := who(t)
	long := strings.Repeat("x", 64<<10)
	ask := func(from, n int) {
		for i := from; i < from+n; i++ {
			g.Decide(callers["nobody far"], access.Call, access.Resource{Procedure: "/" + strconv.Itoa(i) + "." + long[:900] + "/Method"})
			if i%100 == 0 {
				g.Decide(callers["nobody far"], access.Call, access.Resource{Procedure: "/" + strconv.Itoa(i) + long})
			}
		}
	}
	ask(0, 10_000)
	before := heap()
	ask(10_000, 20_000)
	if grown := heap() - before; grown > 24<<20 {
		t.Errorf("%d MiB more after 20 000 names", grown>>20)
	}
	if d := g.Decide(callers["alice"], access.Call, what["create"]); !d.Allowed {
		t.Errorf("%+v", d)
	}
	if d := g.Decide(callers["nobody far"], access.Call, access.Resource{Procedure: "/" + long + "\x1b[2J"}); len(d.Reason) > 600 || strings.Contains(d.Reason, "\x1b") {
		t.Errorf("the reason has %d bytes of what was made up", len(d.Reason))
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// All who ask at once, with reloads in between, get an answer of policies that were in force.
func TestDecide_DuringReloads(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "policy.cedar")
	write(t, path, aliceCalls)
	g := guard(t, access.WithPolicyFile(path))
	callers := who(t)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range 2000 {
				if !g.Decide(callers["alice"], access.Call, access.Resource{Procedure: fmt.Sprintf("/a.B/M%d", i%100)}).Allowed {
					t.Error("alice is denied")
					return
				}
			}
		})
	}
	for range 20 {
		if err := g.Reload(); err != nil {
			t.Error(err)
		}
	}
	all.Wait()
}

func TestDecide_CallerThatIsNoneIsAStranger(t *testing.T) {
	t.Parallel()
	g := guard(t)
	for _, c := range []*access.Caller{nil, {}, {Principal: access.Nobody, Origin: access.Origin{Network: "moon"}}} {
		if d := g.Decide(c, access.Call, what["create"]); d.Allowed {
			t.Errorf("%+v: %+v", c, d)
		}
	}
	byHand := &access.Caller{Principal: access.Nobody, Origin: access.Origin{Network: access.NetworkLoopback}}
	if d := g.Decide(byHand, access.Call, what["create"]); !d.Allowed {
		t.Errorf("a caller made by hand: %+v", d)
	}
	if d := g.Decide(who(t)["this process"], access.Action(0), what["create"]); d.Allowed && len(d.Policies) == 0 {
		t.Errorf("no action: %+v", d)
	}
}

// fixed is an authenticator of one answer.
type fixed struct {
	p   *access.Principal
	err error
}

func (f fixed) Authenticate(context.Context, *access.Credentials) (*access.Principal, error) {
	return f.p, f.err
}

func (f fixed) Lines() []string { return []string{"callers: fixed"} }
func (f fixed) Files() []string { return []string{"keys", "keys"} }
func (f fixed) Reload() error   { return f.err }

func TestAuthenticate(t *testing.T) {
	t.Parallel()
	alice := principal(t, access.KindUser, "alice")
	later := connect.NewError(connect.CodeUnavailable, "keys cannot be had")
	for name, tt := range map[string]struct {
		authenticators []access.Authenticator
		want           *access.Principal
		code           connect.Code
	}{
		"none":                        {nil, access.Nobody, 0},
		"nothing of its kind":         {[]access.Authenticator{fixed{}}, access.Nobody, 0},
		"the first that finds":        {[]access.Authenticator{fixed{}, fixed{p: alice}, fixed{err: errors.New("not asked")}}, alice, 0},
		"refused":                     {[]access.Authenticator{fixed{err: errors.New("expired")}, fixed{p: alice}}, nil, connect.CodeUnauthenticated},
		"refused by a code":           {[]access.Authenticator{fixed{err: later}}, nil, connect.CodeUnavailable},
		"a principal that cannot be":  {[]access.Authenticator{fixed{p: &access.Principal{Kind: "Root", ID: "x"}}}, nil, connect.CodeUnauthenticated},
		"a principal with both: fail": {[]access.Authenticator{fixed{p: alice, err: errors.New("expired")}}, nil, connect.CodeUnauthenticated},
	} {
		var events []access.Event
		g := guard(t, access.WithAuthenticator(tt.authenticators...), access.WithAudit(func(e access.Event) { events = append(events, e) }))
		p, err := g.Authenticate(t.Context(), &access.Credentials{Authorization: "Bearer hunter2", Remote: "203.0.113.7:5000"})
		if p != tt.want || (err == nil) != (tt.code == 0) || err != nil && connect.CodeOf(err) != tt.code {
			t.Errorf("%s: %v, %v", name, p, err)
		}
		if (err != nil) != (len(events) == 1) {
			t.Errorf("%s: events %+v", name, events)
		}
		if text, _ := json.Marshal(events); strings.Contains(string(text), "hunter2") {
			t.Errorf("%s: a secret is in %s", name, text)
		}
	}
}

func TestLinesFilesAndReload_IncludeAuthenticators(t *testing.T) {
	t.Parallel()
	g := guard(t, access.WithAuthenticator(fixed{}))
	if lines := strings.Join(g.Lines(), "|"); lines != "callers: fixed|policy: default, 9 policies" {
		t.Errorf("Lines: %s", lines)
	}
	if files := g.Files(); len(files) != 1 || files[0] != "keys" {
		t.Errorf("Files: %q", files)
	}
	broken := errors.New("keys are gone")
	if err := guard(t, access.WithAuthenticator(fixed{err: broken})).Reload(); !errors.Is(err, broken) {
		t.Errorf("Reload: %v", err)
	}
}

func TestCredentials_PrintWithoutSecrets(t *testing.T) {
	t.Parallel()
	c := &access.Credentials{Authorization: "Bearer hunter2", APIKey: "hunter3", Socket: &access.SocketPeer{UID: 1}, Remote: "a:1"}
	marshaled, _ := json.Marshal(c)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", slog.Any("credentials", c))
	for _, text := range []string{fmt.Sprint(c), fmt.Sprintf("%v %+v %#v %s", c, c, c, c), string(marshaled), log.String(), fmt.Sprintf("%+v", *c), fmt.Sprintf("%#v", *c)} {
		if strings.Contains(text, "hunter") || text == "" {
			t.Errorf("a secret is in %s", text)
		}
	}
}
