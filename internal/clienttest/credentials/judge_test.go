package credentials_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/collectiverpc/collective/access"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
	"github.com/collectiverpc/collective/mesh"
)

// judge compares what a client got with what must come of what it has shown.
func (r *rig) judge(t *testing.T, client, way, entrance string, shown credential, got outcome) {
	t.Helper()
	if r.cells[client] == nil {
		r.cells[client] = new(tally)
	}
	r.cells[client].total++
	if problem := shown.problem(entrance, got); problem != "" {
		t.Errorf("%s, %s at %s, %s: %s", client, way, entrance, shown.name, problem)
		return
	}
	r.cells[client].passed++
}

// problem is what is wrong with an outcome; empty if nothing is.
func (c credential) problem(entrance string, got outcome) string {
	if c.caller != "" {
		want := c.caller
		if entrance == "a" {
			want += " a" // the call came to b by a
		}
		if got.caller != want {
			return fmt.Sprintf("the handler saw %q, want %q: %v %s", got.caller, want, got.code, got.text)
		}
		return ""
	}
	switch {
	case got.caller != "":
		return "it ran for " + got.caller
	case got.code != connect.CodeUnauthenticated || got.reason != string(c.reason):
		return fmt.Sprintf("refused as %v %s: %s, want %s", got.code, got.reason, got.text, c.reason)
	case !strings.Contains(got.text, c.words):
		return fmt.Sprintf("the text is %q, without %q", got.text, c.words)
	}
	for _, secret := range c.secrets() {
		if strings.Contains(got.text, secret) {
			return fmt.Sprintf("the text %q has what was shown", got.text)
		}
	}
	return ""
}

// settle prints what came of it, and looks for what was shown in everything that the collectors say and keep, and for what was
// refused in their audit logs and their histories.
func (r *rig) settle(t *testing.T) {
	t.Helper()
	for _, client := range slices.Sorted(maps.Keys(r.cells)) {
		fmt.Printf("CLIENT %s, credentials %d/%d\n", client, r.cells[client].passed, r.cells[client].total)
	}
	bad := r.badOnes(t)
	for _, c := range []*host{r.a, r.b} {
		said := map[string]string{"log": c.log.String()}
		said["history"], said["status"], said["audit"] = r.told(t, c)
		told := c.events()
		events, err := json.Marshal(told)
		must(t, err)
		said["audit events"] = string(events)
		for _, shown := range append(r.goodOnes(t), bad...) {
			for where, text := range said {
				for _, secret := range shown.secrets() {
					if strings.Contains(text, secret) {
						t.Errorf("the %s of %s has what was shown as %s", where, c.ID(), shown.name)
					}
				}
			}
		}
		wantAudited(t, c.ID(), told, bad)
	}
}

// told is what a collector tells an operator of itself.
func (r *rig) told(t *testing.T, c *host) (history, status, audit string) {
	t.Helper()
	client := connect.NewClient(connecthttp.NewTransport(r.browser(t, nil), "https://"+c.Address))
	ask := func(call func(ctx context.Context) (any, error)) string {
		ctx, info := connect.NewClientContext(t.Context())
		info.RequestHeader().Set("X-Api-Key", r.operator)
		res, err := call(ctx)
		must(t, err)
		text, err := json.Marshal(res)
		must(t, err)
		return string(text)
	}
	observed, operated := meshv1connect.NewMeshServiceClient(client), meshv1connect.NewOperatorServiceClient(client)
	history = ask(func(ctx context.Context) (any, error) {
		return observed.ListDispatches(ctx, &meshv1.ListDispatchesRequest{Limit: 2000})
	})
	status = ask(func(ctx context.Context) (any, error) { return observed.GetStatus(ctx, &meshv1.GetStatusRequest{}) })
	audit = ask(func(ctx context.Context) (any, error) { return operated.ListAudit(ctx, &meshv1.ListAuditRequest{}) })
	for _, reason := range []mesh.Reason{mesh.ReasonTokenExpired, mesh.ReasonKeyUnknown, mesh.ReasonCertificateIdentity} {
		if !strings.Contains(history, string(reason)) {
			t.Errorf("the history of %s has no call that was refused as %s", c.ID(), reason)
		}
	}
	return history, status, audit
}

// wantAudited looks for an event of each kind of refusal: those of one kind are counted together for a while.
func wantAudited(t *testing.T, id string, told []access.Event, bad []credential) {
	t.Helper()
	found := make(map[mesh.Reason]bool)
	for _, shown := range bad {
		found[shown.reason] = found[shown.reason] || slices.ContainsFunc(told, func(e access.Event) bool {
			return e.Action == access.ActionAuthenticate && !e.Allowed && strings.Contains(e.Reason, shown.words) && e.Detail["remote"] != "" && e.Kind == ""
		})
	}
	for reason, audited := range found {
		if !audited {
			t.Errorf("the audit log of %s has nothing that was refused as %s", id, reason)
		}
	}
}
