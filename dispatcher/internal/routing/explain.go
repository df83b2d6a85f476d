package routing

import (
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// ExplainName resolves the names of a question, which may leave the namespace out.
func (v *View) ExplainName(req *meshv1.ExplainRouteRequest) (Call, *refusal.Refusal) {
	namespace := req.GetNamespace()
	if namespace == "" {
		found, refused := v.spaceOfService(req.GetServiceName(), req.GetMethodName())
		if refused != nil {
			return Call{}, refused
		}
		namespace = found
	}
	procedure, refused := v.Resolve(namespace, req.GetServiceName(), req.GetMethodName())
	return Call{Namespace: namespace, Procedure: procedure, Target: req.GetTargetCollectorId()}, refused
}

// Explain decides a call and tells what route made of each collector. The decision is route's own.
func Explain(v *View, c Call, b Balance) (Decision, []*meshv1.Candidate) {
	d := Route(v, c, b)
	s, ok := v.Namespaces[c.Namespace]
	if !ok {
		return d, nil
	}
	return d, v.candidates(s, s.Entries[c.Procedure], c, &d, b)
}
