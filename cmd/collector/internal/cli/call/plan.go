package call

import (
	"context"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/schema"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/name"
)

// Options say where a call goes.
type Options struct {
	Namespace string // empty for the only one that has the service
	Target    string // the collector that must run it; empty for the router's choice
	Local     bool   // on the asked collector or not at all
}

// Call is a call whose names are resolved and whose schema is known. It may be made many times, and at the same time.
type Call struct {
	Method    // in full
	Schema    *schema.Set
	session   *remote.Session
	namespace string
	target    string // the collector that must run it; empty for the router's choice
	local     bool
	// descriptor is nil for the seed's untyped handlers.
	descriptor protoreflect.MethodDescriptor
}

// Plan resolves the names of a call and fetches the schema of who would run it. A call that the router would refuse fails
// here, with the router's reasons.
func Plan(ctx context.Context, s *remote.Session, method Method, options Options) (*Call, error) {
	res, err := s.Mesh.ExplainRoute(ctx, &meshv1.ExplainRouteRequest{
		Namespace: options.Namespace, ServiceName: method.Service, MethodName: method.Name, TargetCollectorId: options.Target,
	})
	if err != nil {
		return nil, err
	}
	owner, refused := schemaOwner(res, options.Local)
	if refused != nil {
		return nil, Refusal(ctx, s, refused, method)
	}
	known, err := s.Schema(ctx, owner)
	if err != nil {
		return nil, err
	}
	s.Learn(known)
	c := &Call{Schema: known, session: s, namespace: res.GetNamespace(), target: options.Target, local: options.Local}
	if options.Local {
		c.target = owner
	}
	if c.Service, c.Name, err = name.SplitProcedure(res.GetProcedure()); err != nil {
		return nil, failure.Newf("the collector answers a procedure that is none: %v", err)
	}
	if c.descriptor, err = known.Method(c.Service, c.Name); err != nil {
		return nil, failure.Newf("%v", err)
	}
	return c, nil
}

// Streaming tells whether there may be several messages.
func (c *Call) Streaming() bool {
	return c.descriptor != nil && (c.descriptor.IsStreamingClient() || c.descriptor.IsStreamingServer())
}

// schemaOwner is the collector whose schema a call goes by: the one that would run it.
func schemaOwner(res *meshv1.ExplainRouteResponse, local bool) (string, *failure.Error) {
	if !local {
		return res.GetChosenCollectorId(), routeRefusal(res)
	}
	for _, candidate := range res.GetCandidates() {
		if candidate.GetLocal() && candidate.GetEligible() {
			return candidate.GetCollectorId(), nil
		}
	}
	if refused := routeRefusal(res); refused != nil {
		return "", refused
	}
	return "", failure.Usagef("the asked collector does not serve %s itself", strings.TrimPrefix(res.GetProcedure(), "/")).
		Hint("without --local it runs on " + res.GetChosenCollectorId())
}

// routeRefusal is the router's refusal with what it found about every collector; nil if there is none.
func routeRefusal(res *meshv1.ExplainRouteResponse) *failure.Error {
	f := failure.OfRoute(res)
	if f == nil {
		return nil
	}
	f.AddCandidates(res.GetCandidates())
	if f.Exit != failure.ExitUsage {
		f.Hint("collector connections     # who is connected, and why not")
	}
	return f
}
