package meshservice

import (
	"context"

	"github.com/collectiverpc/collective/dispatcher/internal/routing"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// ExplainRoute is [Service.Explain] as an RPC.
func (s *Service) ExplainRoute(_ context.Context, req *meshv1.ExplainRouteRequest) (*meshv1.ExplainRouteResponse, error) {
	return s.Explain(req), nil
}

// Explain says which collector would run a call and why. It is the router's own verdict; no call is made. Where equal
// peers take turns, one of them is named first as for the next call.
func (s *Service) Explain(req *meshv1.ExplainRouteRequest) *meshv1.ExplainRouteResponse {
	v := s.View()
	res := &meshv1.ExplainRouteResponse{Namespace: req.GetNamespace()}
	procedure, refused := v.ExplainName(req)
	if refused == nil {
		res.Namespace, res.Procedure = procedure.Namespace, procedure.Procedure
		var decided routing.Decision
		decided, res.Candidates = routing.Explain(v, procedure, s.Balance())
		refused = decided.Refusal
		res.ChosenCollectorId = decided.Chosen(v.Self)
	}
	if refused != nil {
		res.Code, res.Reason, res.Message = refused.Code.String(), string(refused.Reason), refused.Message
		if res.Candidates == nil && refused.Looked != nil {
			res.Candidates = refused.Looked.All()
		}
	}
	return res
}
