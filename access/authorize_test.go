package access_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/collectiverpc/collective/access"
)

func TestAuthorize_RefusesWithACodeAndACause(t *testing.T) {
	t.Parallel()
	callers := who(t)
	plain, login := guard(t), guard(t, access.WithAuthenticator(fixed{}))
	for name, tt := range map[string]struct {
		g      *access.Guard
		caller string
		action access.Action
		code   connect.Code
	}{
		"anonymous who might log in":   {login, "nobody far", access.Call, connect.CodeUnauthenticated},
		"anonymous who cannot":         {plain, "nobody far", access.Call, connect.CodePermissionDenied},
		"a user without the right":     {login, "alice", access.Observe, connect.CodePermissionDenied},
		"a user with it":               {login, "alice", access.Call, 0},
		"an operator":                  {plain, "operator on the socket", access.Operate, 0},
		"near, and yet no operator":    {plain, "nobody near", access.Operate, connect.CodePermissionDenied},
		"an operator of somebody else": {plain, "operator by a peer", access.Operate, connect.CodePermissionDenied},
	} {
		err := tt.g.Authorize(t.Context(), callers[tt.caller], tt.action, what["create"])
		if (err == nil) != (tt.code == 0) || err != nil && connect.CodeOf(err) != tt.code {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err == nil {
			continue
		}
		denial, ok := errors.AsType[*access.Denial](err)
		if !ok || denial.Caller.ID != callers[tt.caller].ID || denial.Action != tt.action || denial.Decision.Allowed || denial.RetryAfter != 0 {
			t.Errorf("%s: cause %+v", name, denial)
		}
	}
}

const limited = `
@id("orders") @rate("10/s") @burst("2")
permit (principal is User, action == Action::"call", resource in Namespace::"shop");
@id("create") @rate("1/m") @per("method")
permit (principal is User, action == Action::"call", resource == Method::"shop.v1.OrderService/CreateOrder");
@id("unlimited")
permit (principal is Service, action == Action::"call", resource);
`

// Rates are counted for each principal and policy, whatever the connection, and each policy that applies has its say.
func TestAuthorize_LimitsRates(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	g := guard(t, access.WithPolicies("p", []byte(limited)), access.WithClock(func() time.Time { return now }))
	callers := who(t)
	call := func(caller, resource string) time.Duration {
		t.Helper()
		err := g.Authorize(t.Context(), callers[caller], access.Call, what[resource])
		if err == nil {
			return 0
		}
		if connect.CodeOf(err) != connect.CodeResourceExhausted {
			t.Fatalf("%s %s: %v", caller, resource, err)
		}
		return retryDelay(t, err)
	}
	steps := []struct {
		after    time.Duration
		caller   string
		resource string
		wait     time.Duration
	}{
		{0, "alice", "list", 0},
		{0, "alice near", "list", 0}, // the same principal on another connection
		{0, "alice", "list", 100 * time.Millisecond},
		{0, "bob", "list", 0},
		{100 * time.Millisecond, "alice", "create", 0},
		{time.Second, "alice", "create", 58900*time.Millisecond + 100*time.Millisecond},
		{0, "alice", "list", 0}, // the refused call gave back its token of the other policy
		{0, "alice", "list", 0},
		{0, "alice", "list", 100 * time.Millisecond},
		{0, "payments", "create", 0},
		{0, "payments", "create", 0},
		{time.Minute, "alice", "create", 0},
	}
	for i, step := range steps {
		now = now.Add(step.after)
		if wait := call(step.caller, step.resource); wait != step.wait {
			t.Errorf("step %d, %s %s: wait %v, want %v", i, step.caller, step.resource, wait, step.wait)
		}
	}
}

// retryDelay reads the google.rpc.RetryInfo of an error.
func retryDelay(t *testing.T, err error) time.Duration {
	t.Helper()
	failed, ok := errors.AsType[*connect.Error](err)
	if !ok || len(failed.Details()) != 1 || failed.Details()[0].Type != "google.rpc.RetryInfo" {
		t.Fatalf("no RetryInfo: %v", err)
	}
	number, kind, n := protowire.ConsumeTag(failed.Details()[0].Value)
	value, m := protowire.ConsumeBytes(failed.Details()[0].Value[n:])
	var delay durationpb.Duration
	if number != 1 || kind != protowire.BytesType || m < 0 || proto.Unmarshal(value, &delay) != nil {
		t.Fatalf("RetryInfo %x", failed.Details()[0].Value)
	}
	denial, _ := errors.AsType[*access.Denial](err)
	if denial.RetryAfter != delay.AsDuration() || !denial.Decision.Allowed || !strings.Contains(err.Error(), "retry in") {
		t.Errorf("%v, %+v", err, denial)
	}
	return delay.AsDuration()
}

// A reload does not give anybody a new burst, unless the rate is another.
func TestAuthorize_RatesOutliveReloads(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/policy.cedar"
	text := `@id("a") @rate("1/h") permit (principal, action == Action::"call", resource);`
	write(t, path, text)
	g := guard(t, access.WithPolicyFile(path))
	alice := who(t)["alice"]
	allowed := func() bool { return g.Authorize(t.Context(), alice, access.Call, what["list"]) == nil }
	if !allowed() || allowed() {
		t.Fatal("one an hour is not one")
	}
	if err := g.Reload(); err != nil || allowed() {
		t.Errorf("a reload gave another: %v", err)
	}
	write(t, path, strings.Replace(text, "1/h", "2/h", 1))
	if err := g.Reload(); err != nil || !allowed() {
		t.Errorf("another rate is not in force: %v", err)
	}
}

func TestAuthorize_DoesNotAllocateWhenRemembered(t *testing.T) {
	g := guard(t, access.WithPolicies("p", []byte(`@rate("1000000/s") permit (principal, action, resource);`)))
	alice := who(t)["alice"]
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() { _ = g.Authorize(ctx, alice, access.Call, what["list"]) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// recorder keeps events, which come from the goroutines of calls and of timers.
type recorder struct {
	mu     sync.Mutex
	events []access.Event
}

func (r *recorder) add(e access.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

func (r *recorder) all() []access.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

// A flood of denials is a few events, and none is lost from the counts.
func TestAudit_CoalescesDenials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := new(recorder)
		g := guard(t, access.WithAudit(told.add))
		callers := who(t)
		for range 1000 {
			_ = g.Authorize(t.Context(), callers["nobody far"], access.Call, what["create"])
		}
		for i := range 500 {
			_ = g.Authorize(t.Context(), callers["nobody far"], access.Describe, access.Resource{Namespace: fmt.Sprint("made-up-", i)})
		}
		if n := len(told.all()); n != 64 {
			t.Errorf("%d events before the window ends, want 64", n)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		events, counted := told.all(), 0
		for _, e := range events {
			counted += max(e.Count, 1)
		}
		if len(events) != 66 || counted != 1500 {
			t.Errorf("%d events for %d denials: %+v", len(events), counted, events[64:])
		}
		_ = g.Authorize(t.Context(), callers["nobody far"], access.Call, what["create"])
		_ = g.Authorize(t.Context(), callers["nobody far"], access.Call, what["create"])
		_ = g.Close()
		events = told.all()
		if last := events[len(events)-1]; len(events) != 68 || last.Count != 1 {
			t.Errorf("Close left a count behind: %d events, %+v", len(events), last)
		}
	})
}

func TestAudit_TellsWhatOperatorsDo(t *testing.T) {
	t.Parallel()
	var events []access.Event
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	g := guard(t, access.WithAudit(func(e access.Event) { events = append(events, e) }), access.WithClock(func() time.Time { return now }))
	callers := who(t)
	for _, a := range access.Actions() {
		if err := g.Authorize(t.Context(), callers["operator on the socket"], a, what["orders"]); err != nil {
			t.Fatal(err)
		}
	}
	_ = g.Authorize(t.Context(), callers["alice"], access.Operate, what["mesh"])
	var told strings.Builder
	for _, e := range events {
		line, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		told.WriteString(string(line) + "\n")
	}
	want := `{"time":"2026-01-02T03:04:05Z","kind":"User","id":"uid:root","network":"socket","entrance":"native","action":"register","namespace":"shop","procedure":"/shop.v1.OrderService","allowed":true,"policies":["socket-operators","operators"],"reason":"User::\"uid:root\" may register shop /shop.v1.OrderService: permitted by socket-operators, operators"}
{"time":"2026-01-02T03:04:05Z","kind":"User","id":"uid:root","network":"socket","entrance":"native","action":"force","namespace":"shop","procedure":"/shop.v1.OrderService","allowed":true,"policies":["socket-operators","operators"],"reason":"User::\"uid:root\" may force shop /shop.v1.OrderService: permitted by socket-operators, operators"}
{"time":"2026-01-02T03:04:05Z","kind":"User","id":"uid:root","network":"socket","entrance":"native","action":"operate","namespace":"shop","procedure":"/shop.v1.OrderService","allowed":true,"policies":["socket-operators","operators"],"reason":"User::\"uid:root\" may operate shop /shop.v1.OrderService: permitted by socket-operators, operators"}
{"time":"2026-01-02T03:04:05Z","kind":"User","id":"alice","network":"remote","entrance":"native","action":"operate","allowed":false,"reason":"User::\"alice\" may not operate mesh: no policy permits it"}
`
	if told.String() != want {
		t.Errorf("events:\n%swant:\n%s", told.String(), want)
	}
}
