package meshservice

import (
	"context"

	"github.com/collectiverpc/collective/dispatcher/internal/routing"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// ExplainRoute is [Service.Explain] as an RPC.
func (s *Service) ExplainRoute(_ context.Context, req *meshv1.ExplainRouteRequest) (*meshv1.ExplainRouteResponse, error) {
	res := s.Explain(req)
	if req.GetAs() == nil || res.GetProcedure() == "" {
		return res, nil
	}
	return res, s.decide(req.GetAs(), res)
}

// decide adds what the policy decides where the call enters and, if that is here too, where it runs. Both decide the same: a call
// that stays here has no collector that brings it.
func (s *Service) decide(who *meshv1.AccessQuestion, res *meshv1.ExplainRouteResponse) (err error) {
	res.Entrance, err = s.Access.Explain(&meshv1.AccessQuestion{
		Kind: who.GetKind(), Id: who.GetId(), Groups: who.GetGroups(), Network: who.GetNetwork(), Tls: who.GetTls(),
		Entrance: who.GetEntrance(), Via: who.GetVia(), Namespace: res.GetNamespace(), Procedure: res.GetProcedure(),
	})
	if res.GetChosenCollectorId() == s.ID {
		res.Executor = res.GetEntrance()
	}
	return err
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
