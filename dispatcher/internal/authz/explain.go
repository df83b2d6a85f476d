package authz

import (
	"cmp"
	"slices"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/access"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/observe"
)

// Explain says what the policy in force decides, and by which policies. Nothing is counted or audited.
func (a *Authorizer) Explain(q *meshv1.AccessQuestion) (*meshv1.AccessDecision, error) {
	kind := access.Kind(cmp.Or(q.GetKind(), string(access.KindAnonymous)))
	id := q.GetId()
	if kind == access.KindAnonymous {
		id = cmp.Or(id, access.Nobody.ID)
	}
	who, err := access.NewPrincipal(kind, id, q.GetGroups()...)
	if err != nil {
		return nil, connect.NewError(connect.CodeInvalidArgument, err.Error())
	}
	action, err := actionOf(cmp.Or(q.GetAction(), access.Call.String()))
	if err != nil {
		return nil, err
	}
	caller := access.NewCaller(who, access.Origin{
		Network: q.GetNetwork(), TLS: q.GetTls(), Entrance: cmp.Or(q.GetEntrance(), string(observe.Native)), Via: q.GetVia(),
	})
	decision := a.Guard.Decide(caller, action, access.Resource{Namespace: q.GetNamespace(), Procedure: q.GetProcedure()})
	explained := &meshv1.AccessDecision{Allowed: decision.Allowed, Reason: decision.Reason, Errors: decision.Errors}
	for _, id := range decision.Policies {
		if p, ok := a.Guard.Policy(id); ok {
			explained.Policies = append(explained.Policies, &meshv1.PolicyText{
				Id: p.ID, File: p.File, Line: int32(p.Line), Text: p.Text, Forbids: p.Forbids, //nolint:gosec // a file has 1 MiB at most
			})
		}
	}
	return explained, nil
}

// actionOf is an action by its word in policies. One that is none is refused with all there are, since people type them.
func actionOf(word string) (access.Action, error) {
	all := access.Actions()
	at := slices.IndexFunc(all, func(a access.Action) bool { return a.String() == word })
	if at < 0 {
		return 0, connect.Errorf(connect.CodeInvalidArgument, "action %q is none of policies: want one of %v", word, all)
	}
	return all[at], nil
}
