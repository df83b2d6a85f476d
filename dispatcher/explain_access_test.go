package dispatcher_test

import (
	"context"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/collectiverpc/collective/access"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
	"github.com/collectiverpc/collective/internal/meshtest"
	"github.com/collectiverpc/collective/mesh"
)

const explained = `
@id("alice-calls") permit (principal == User::"alice", action == Action::"call", resource in Namespace::"test");
@id("ops") permit (principal == User::"op", action, resource);
@id("all-describe") permit (principal, action == Action::"describe", resource);
@id("peers") permit (principal is Collector, action, resource);
`

// A collector that runs says what its policy decides of a call, to those who operate it and to nobody else.
func TestExplainAccess(t *testing.T) {
	t.Parallel()
	b, _ := ruled(t, "b", explained)
	a := serve(t, "a", []string{"test"}, meshtest.Policy(t, explained, access.WithAuthenticator(names{})))
	join(t, a, b)
	a.knows(t, "test", "/S/M")
	as := func(who string) context.Context {
		ctx, info := connect.NewClientContext(t.Context())
		info.RequestHeader().Set("Authorization", "Bearer "+who)
		return ctx
	}
	operator := meshv1connect.NewOperatorServiceClient(connect.NewClient(connecthttp.NewTransport(meshtest.HTTP2Client(t), "http://"+b.Address)))
	toA, toB := a.status(t), b.status(t)
	question := func(id, action string) *meshv1.AccessQuestion {
		return &meshv1.AccessQuestion{Kind: "User", Id: id, Action: action, Namespace: "test", Procedure: "/S/M"}
	}
	for id, allowed := range map[string]bool{"alice": true, "bob": false} {
		res, err := operator.ExplainAccess(as("op"), &meshv1.ExplainAccessRequest{Question: question(id, "call")})
		must(t, err)
		d := res.GetDecision()
		if d.GetAllowed() != allowed || allowed && (len(d.GetPolicies()) != 1 || !strings.Contains(d.GetPolicies()[0].GetText(), "alice-calls")) {
			t.Errorf("%s: %v", id, d)
		}
		for name, at := range map[string]meshv1connect.MeshServiceClient{"entrance": toA, "executor": toB} {
			route, err := at.ExplainRoute(as("op"), &meshv1.ExplainRouteRequest{Namespace: "test", ServiceName: "S", MethodName: "M", As: question(id, "")})
			must(t, err)
			if route.GetChosenCollectorId() != "b" || route.GetEntrance().GetAllowed() != allowed || (route.GetExecutor() != nil) != (name == "executor") {
				t.Errorf("%s asked at the %s: %v", id, name, route)
			}
		}
	}
	if _, err := operator.ExplainAccess(as("carol"), &meshv1.ExplainAccessRequest{Question: question("alice", "call")}); mesh.ReasonOf(err) != mesh.ReasonPolicyDenied {
		t.Errorf("who does not operate is told: %v", err)
	}
	plain := &meshv1.ExplainRouteRequest{Namespace: "test", ServiceName: "S", MethodName: "M"}
	if res, err := toB.ExplainRoute(as("carol"), plain); err != nil || res.GetEntrance() != nil {
		t.Errorf("the route alone: %v, %v", res, err)
	}
	plain.As = question("alice", "")
	if _, err := toB.ExplainRoute(as("carol"), plain); mesh.ReasonOf(err) != mesh.ReasonPolicyDenied {
		t.Errorf("who does not operate is told of others with the route: %v", err)
	}
	for _, wrong := range []*meshv1.AccessQuestion{question("alice", "fly"), {Kind: "Root", Id: "x"}, {Kind: "Anonymous", Id: "x"}} {
		if _, err := operator.ExplainAccess(as("op"), &meshv1.ExplainAccessRequest{Question: wrong}); connect.CodeOf(err) != connect.CodeInvalidArgument {
			t.Errorf("%v: %v", wrong, err)
		}
	}
}
