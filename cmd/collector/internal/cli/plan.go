package cli

import (
	"context"
	"errors"
	"strings"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/name"
)

// plan resolves the names of a call and fetches the schema of who would run it. A call that the router would refuse
// fails here, with the router's reasons.
func (s *session) plan(ctx context.Context, service, method string, flags callFlags) (*plannedCall, error) {
	res, err := s.mesh.ExplainRoute(ctx, &meshv1.ExplainRouteRequest{
		Namespace: flags.namespace, ServiceName: service, MethodName: method, TargetCollectorId: flags.target,
	})
	if err != nil {
		return nil, err
	}
	owner, refused := schemaOwner(res, flags)
	if refused != nil {
		return nil, s.orService(ctx, refused, service, method)
	}
	known, err := s.schemaOf(ctx, owner)
	if err != nil {
		return nil, err
	}
	s.known = known
	c := &plannedCall{session: s, flags: flags, namespace: res.GetNamespace(), target: flags.target, schema: known}
	if flags.local {
		c.target = owner
	}
	if c.service, c.method, err = name.SplitProcedure(res.GetProcedure()); err != nil {
		return nil, failuref("the collector answers a procedure that is none: %v", err)
	}
	if c.descriptor, err = known.method(c.service, c.method); err != nil {
		return nil, failuref("%v", err)
	}
	return c, nil
}

// orService is a refusal, or what is better known: that a service was named without a method, which reads as a method of
// its package.
func (s *session) orService(ctx context.Context, refused error, service, method string) error {
	if f, ok := errors.AsType[*failure](refused); !ok || f.exit != exitUsage {
		return refused
	}
	res, err := s.mesh.ListServices(ctx, &meshv1.ListServicesRequest{})
	if err != nil {
		return refused
	}
	for _, known := range res.GetServices() {
		meant := service + "." + method
		if len(known.GetMethods()) > 0 && (known.GetName() == meant || strings.HasSuffix(known.GetName(), "."+meant)) {
			return usagef("%s is a service: name a method of it too, such as %s/%s", meant, meant, known.GetMethods()[0].GetName()).
				hint("collector services describe " + meant)
		}
	}
	return s.orRegistered(ctx, refused, res, service)
}

// orRegistered is a refusal which says that the service is registered, if only that is missing that somebody hosts it.
func (s *session) orRegistered(ctx context.Context, refused error, res *meshv1.ListServicesResponse, service string) error {
	for _, known := range s.unhosted(ctx, "", res) {
		if known.GetName() == service || strings.HasSuffix(known.GetName(), "."+service) {
			f := usagef("%s is registered in namespace %q, and no collector hosts it", known.GetName(), known.GetNamespace())
			f.why = []string{refused.Error()}
			return f.hint("a program hosts it with RegisterImplementation or RegisterDynamic", "collector services     # what is served, and by whom")
		}
	}
	return refused
}

// schemaOwner is the collector whose schema a call goes by: the one that would run it.
func schemaOwner(res *meshv1.ExplainRouteResponse, flags callFlags) (string, error) {
	if !flags.local {
		return res.GetChosenCollectorId(), refusedPlan(res)
	}
	for _, candidate := range res.GetCandidates() {
		if candidate.GetLocal() && candidate.GetEligible() {
			return candidate.GetCollectorId(), nil
		}
	}
	if err := refusedPlan(res); err != nil {
		return "", err
	}
	return "", usagef("the asked collector does not serve %s itself", strings.TrimPrefix(res.GetProcedure(), "/")).
		hint("without --local it runs on " + res.GetChosenCollectorId())
}

// refusedPlan is the router's refusal with what it found about every collector; nil if there is none.
func refusedPlan(res *meshv1.ExplainRouteResponse) error {
	f := routeFailure(res)
	if f == nil {
		return nil
	}
	f.addCandidates(res.GetCandidates())
	if f.exit != exitUsage {
		f.hint("collector connections     # who is connected, and why not")
	}
	return f
}
