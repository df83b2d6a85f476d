package dispatcher_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/meshtest"
	"github.com/collectiverpc/collective/mesh"
	"github.com/collectiverpc/collective/registry"
)

// kinds authenticates `Bearer KIND ID GROUP…`, so that tests have principals of every kind.
type kinds struct{}

func (kinds) Authenticate(_ context.Context, c *access.Credentials) (*access.Principal, error) {
	fields := strings.Fields(c.Authorization)
	switch {
	case len(fields) == 0:
		return nil, nil
	case len(fields) < 3:
		return nil, errors.New("the token is not believed")
	}
	return access.NewPrincipal(access.Kind(fields[1]), fields[2], fields[3:]...)
}

// matrixPrincipal is a principal of the table, by what a policy calls it and what it shows.
type matrixPrincipal struct {
	name, scope string // scope is how a policy names it
	shows       []string
}

var matrixPrincipals = []matrixPrincipal{
	{`User::"alice"`, `principal == User::"alice"`, []string{"Authorization", "Bearer User alice"}},
	{`Service::"cron"`, `principal == Service::"cron"`, []string{"Authorization", "Bearer Service cron"}},
	{`Collector::"back"`, `principal == Collector::"back"`, []string{"Authorization", "Bearer Collector back"}},
	{`Anonymous::"anonymous"`, `principal is Anonymous`, nil},
	{`User::"root"`, `principal in Group::"operators"`, []string{"Authorization", "Bearer User root operators"}},
}

// matrixRule is what the one policy of a row is about.
type matrixRule struct{ action, level string }

// matrixRules are all actions, each with the resources by which a policy may name what is asked for.
var matrixRules = []matrixRule{
	{"call", "method"}, {"call", "service"}, {"call", "namespace"}, {"call", "anything"}, {"describe", "namespace"}, {"describe", "collector"},
	{"describe", "anything"}, {"observe", "collector"}, {"operate", "collector"}, {"register", "namespace"}, {"force", "namespace"}, {"serve", "namespace"},
}

var matrixScopes = map[string]string{
	"method":    `resource) when { resource == Method::"S/M" || resource == Method::"T/M" }`,
	"service":   `resource) when { resource in RPCService::"S" || resource in RPCService::"T" }`,
	"namespace": `resource in Namespace::"test")`, "collector": `resource == Mesh::"mesh")`, "anything": `resource)`,
}

// matches reports whether a rule is about what is asked for, within a namespace or of the collector itself.
func (r matrixRule) matches(action string, namespaced bool) bool {
	return r.action == action && (r.level == "anything" || (r.level != "collector") == namespaced)
}

// cedar is the file of a row: the rule permits what nothing else does, or forbids what everybody else may.
func (r matrixRule) cedar(p matrixPrincipal, permits bool) string {
	actions := `action == Action::"` + r.action + `"`
	if !permits {
		return `@id("everything") permit (principal, action, resource); @id("never") forbid (` + p.scope + ", " + actions + ", " + matrixScopes[r.level] + ";"
	}
	if r.action == "force" { // is a right beside the one to register
		actions = `action in [Action::"register", Action::"force"]`
	}
	text := `@id("only") permit (` + p.scope + ", " + actions + ", " + matrixScopes[r.level] + ";"
	if r.action != "serve" {
		text += ` @id("peers-serve") permit (principal is Collector, action == Action::"serve", resource);`
	}
	return text
}

// matrixMesh is the collector x, which a row is about, between front, over which calls come to it, and back, to which it passes
// calls on. Only x has the policy: it decides for front's calls as their executor, and for those of back as their entrance.
type matrixMesh struct {
	x, front, back node
	guard          *access.Guard
	file           string
	mu             sync.Mutex
	audited        []access.Event
}

func newMatrixMesh(t *testing.T, cedar string) *matrixMesh {
	t.Helper()
	m := &matrixMesh{file: filepath.Join(t.TempDir(), "policy.cedar")}
	must(t, os.WriteFile(m.file, []byte(cedar), 0o600))
	var err error
	m.guard, err = access.New(access.WithAuthenticator(kinds{}), access.WithPolicyFile(m.file), access.WithAudit(func(e access.Event) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.audited = append(m.audited, e)
	}))
	must(t, err)
	schemas, err := registry.New(t.Context())
	must(t, err)
	open := meshtest.Policy(t, `permit (principal, action, resource);`, access.WithAuthenticator(kinds{}))
	m.x = serve(t, "x", []string{"test"}, dispatcher.WithAccess(m.guard), dispatcher.WithRegistry(schemas))
	m.front, m.back = serve(t, "front", []string{"test"}, open), serve(t, "back", []string{"test"}, open)
	for n, service := range map[node]string{m.x: "S", m.back: "T"} {
		must(t, n.RegisterService("test", service, "M", func(context.Context, any) (any, error) { return wrapperspb.String("ran"), nil }))
	}
	join(t, m.x, m.front)
	join(t, m.x, m.back)
	m.front.knows(t, "test", "/S/M")
	m.x.knows(t, "test", "/T/M")
	return m
}

// matrixQuestion is a request at an entrance, and what it asks x for.
type matrixQuestion struct {
	name       string
	action     string
	namespaced bool // the resource belongs to a namespace
	ask        func(t *testing.T, shows []string) (reason, text string)
}

func (m *matrixMesh) questions(t *testing.T) []matrixQuestion {
	t.Helper()
	at := func(n node, path, body string, more ...string) func(*testing.T, []string) (string, string) {
		return func(t *testing.T, shows []string) (string, string) {
			res, text := post(t, "http://"+n.Address+path, body, slices.Concat(more, shows)...)
			reason := res.Header.Get(mesh.HeaderReason)
			for _, word := range []mesh.Reason{mesh.ReasonPolicyDenied, mesh.ReasonUnauthenticated} { // an envelope has it inside
				if res.StatusCode == http.StatusOK && strings.Contains(body, "serviceName") && strings.Contains(text, `"`+string(word)+`"`) {
					reason = string(word)
				}
			}
			return reason, text
		}
	}
	envelope := func(service string) string {
		return `{"namespace":"test","service":{"serviceName":"` + service + `"},"methodName":"M"}`
	}
	program := dial(t, m.x.Address, "test")
	inNamespace := []string{mesh.HeaderNamespace, "test"}
	const (
		described = "/collector.mesh.v1.MeshService/ListServices"
		operated  = "/collector.mesh.v1.MeshService/PruneConnections"
		register  = collectorconnect.CollectorRegistryRegisterServiceProcedure
	)
	return []matrixQuestion{
		{"native", "call", true, at(m.x, "/S/M", `{}`)},
		{"native, by path", "call", true, at(m.x, "/ns/test/S/M", `{}`)},
		{"Dispatch", "call", true, at(m.x, collectorconnect.CollectiveDispatcherDispatchProcedure, envelope("S"))},
		{"Serve", "call", true, at(m.x, collectorconnect.CollectiveDispatcherServeProcedure, envelope("S"))},
		{"a program that has dialled", "call", true, func(t *testing.T, shows []string) (string, string) {
			ctx, info := connect.NewClientContext(t.Context())
			if shows != nil {
				info.RequestHeader().Set(shows[0], shows[1])
			}
			client := connect.NewClient(program.Transport("test"))
			err := client.CallUnary(ctx, connect.Spec{Procedure: "/S/M"}, wrapperspb.String(""), new(wrapperspb.StringValue))
			return string(mesh.ReasonOf(err)), fmt.Sprint(err)
		}},
		{"native over a link", "call", true, at(m.front, "/S/M", `{}`)},
		{"Dispatch over a link", "call", true, at(m.front, collectorconnect.CollectiveDispatcherDispatchProcedure, envelope("S"))},
		{"native to a peer", "call", true, at(m.x, "/T/M", `{}`)},
		{"Dispatch to a peer", "call", true, at(m.x, collectorconnect.CollectiveDispatcherDispatchProcedure, envelope("T"))},
		{"services", "describe", false, at(m.x, described, `{}`)},
		{"services of a namespace", "describe", true, at(m.x, described, `{}`, inNamespace...)},
		{"health of a service", "describe", false, at(m.x, "/grpc.health.v1.Health/Check", `{"service":"S"}`)},
		{"status", "observe", false, at(m.x, "/collector.mesh.v1.MeshService/GetStatus", `{}`)},
		{"history", "observe", false, at(m.x, "/collector.mesh.v1.MeshService/ListDispatches", `{}`)},
		{"prune", "operate", false, at(m.x, operated, `{}`)},
		{"register", "register", true, at(m.x, register, `{"namespace":"test"}`)},
		{"register by force", "force", true, at(m.x, register, `{"namespace":"test","force":true}`)},
	}
}

// allowed is what a policy must come to. One who may not register may not do it by force either.
func (r matrixRule) allowed(q matrixQuestion, permits, same bool) bool {
	about := same && r.matches(q.action, q.namespaced)
	switch {
	case permits && r.action == "force" && q.action == "register":
		return same
	case !permits && r.action == "register" && q.action == "force":
		return !same
	}
	return about == permits
}

// Each kind of principal, each action and each resource, allowed and denied: at every entrance, at the entrance of a call that
// goes on, and at the executor of one that comes over a link. The deciding policy is in history and audit, and not in the refusal.
func TestPolicyMatrix(t *testing.T) {
	t.Parallel()
	for i, p := range matrixPrincipals {
		for _, rule := range matrixRules {
			for _, permits := range []bool{true, false} {
				if rule.action == "serve" && !strings.HasPrefix(p.name, "Collector") {
					continue // is asked of collectors alone
				}
				other := matrixPrincipals[(i+1)%len(matrixPrincipals)]
				t.Run(fmt.Sprintf("%s %s %s %v", p.name, rule.action, rule.level, permits), func(t *testing.T) {
					t.Parallel()
					matrixRow(t, p, other, rule, permits)
				})
			}
		}
	}
}

func matrixRow(t *testing.T, p, other matrixPrincipal, rule matrixRule, permits bool) {
	m := newMatrixMesh(t, rule.cedar(p, permits))
	if rule.action == "serve" {
		explained := m.x.Explain(&meshv1.ExplainRouteRequest{Namespace: "test", ServiceName: "T", MethodName: "M"})
		if served := explained.GetReason() == ""; served != permits {
			t.Errorf("back serves: %v: %v", served, explained)
		}
		return
	}
	denied := 0
	for _, who := range []matrixPrincipal{p, other} {
		for _, q := range m.questions(t) {
			reason, text := q.ask(t, who.shows)
			if !rule.allowed(q, permits, who.name == p.name) {
				denied++
				judgeDenial(t, who, q, reason, text)
			} else if reason == string(mesh.ReasonPolicyDenied) || reason == string(mesh.ReasonUnauthenticated) {
				t.Errorf("%s of %s is refused: %s", q.name, who.name, text)
			}
		}
	}
	must(t, os.WriteFile(m.file, []byte(`permit (principal, action, resource);`), 0o600)) // so that the test may look
	must(t, m.guard.Reload())
	m.judgeRecords(t, denied, map[bool]string{true: "no policy permits it", false: "forbidden by never"}[permits])
}

func judgeDenial(t *testing.T, who matrixPrincipal, q matrixQuestion, reason, text string) {
	t.Helper()
	want := mesh.ReasonPolicyDenied
	if who.shows == nil {
		want = mesh.ReasonUnauthenticated
	}
	action, name := q.action, who.name
	if strings.Contains(text, "may not register") && action == "force" {
		action = "register" // which is asked for first
	}
	if who.shows == nil {
		name = "an anonymous caller"
	}
	text = strings.ReplaceAll(text, `\"`, `"`) // JSON has it escaped
	if reason != string(want) || strings.Contains(text, "never") || !strings.Contains(text, name+" may not "+action) {
		t.Errorf("%s of %s is refused by %q: %s", q.name, who.name, reason, text)
	}
}

// judgeRecords looks for each denial in the history, by which policy, and for their kinds in the audit log.
func (m *matrixMesh) judgeRecords(t *testing.T, denied int, by string) {
	t.Helper()
	recorded := 0
	for _, c := range m.x.calls(t, nil) {
		if reason := mesh.Reason(c.GetReason()); reason != mesh.ReasonPolicyDenied && reason != mesh.ReasonUnauthenticated {
			continue
		}
		recorded++
		if !strings.Contains(c.GetMessage(), by) {
			t.Errorf("the history has %v, without %q", c, by)
		}
	}
	if recorded != denied {
		t.Errorf("the history has %d denials, of %d", recorded, denied)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if denied > 0 && len(m.audited) == 0 {
		t.Error("nothing is audited")
	}
	for _, e := range m.audited {
		if e.Allowed {
			continue
		}
		if !strings.Contains(e.Reason, by) || (len(e.Policies) == 1 && e.Policies[0] == "never") != strings.Contains(by, "never") {
			t.Errorf("the audit log has %+v, without %q", e, by)
		}
	}
}
