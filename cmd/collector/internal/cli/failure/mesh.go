package failure

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/words"
	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/status"
	"github.com/collectiverpc/collective/mesh"
)

// OfStatus is the failure in a Status; nil for 200.
func OfStatus(s *collector.Status, route []string) error {
	if s.GetCode() == http.StatusOK {
		return nil
	}
	code := s.GetDetails()[status.CodeKey]
	if code == "" {
		code = status.Code(s.GetCode()).String()
	}
	f := &Error{Exit: ExitOfStatus(s.GetCode()), Code: code, What: s.GetMessage(), Details: s.GetDetails(), Route: route}
	if f.What == "" {
		f.What = "the call failed without a message"
	}
	f.AddReason(mesh.Reason(s.GetDetails()[status.ReasonKey]))
	return f
}

// nameReasons are the refusals that are about the names in the command, not about the mesh.
var nameReasons = []mesh.Reason{
	mesh.ReasonInvalidRequest, mesh.ReasonNamespaceUnknown, mesh.ReasonNamespaceAmbiguous, mesh.ReasonServiceAmbiguous,
	mesh.ReasonMethodUnknown,
}

// OfRoute is what a call would fail with that goes by a route; nil if it has somewhere to go.
func OfRoute(res *meshv1.ExplainRouteResponse) *Error {
	if res.GetCode() == "" {
		return nil
	}
	f := &Error{
		Exit: ExitOfCode(CodeNamed(res.GetCode())), Code: res.GetCode(), What: res.GetMessage(),
		Details: map[string]string{status.ReasonKey: res.GetReason()},
	}
	if reason := mesh.Reason(res.GetReason()); slices.Contains(nameReasons, reason) {
		f.Exit = ExitUsage
		if reason == mesh.ReasonNamespaceAmbiguous {
			f.Hint("say which one: call --ns NAMESPACE, route NAMESPACE SERVICE/METHOD")
		}
		return f.Hint("collector services")
	}
	return f
}

// Denied is what a call fails with that the policy denies, for a reason.
func Denied(reason string) *Error {
	denied := Newf("%s", reason).Hint("collector policy show --schema     # what a policy can say")
	denied.Exit, denied.Code = ExitOfCode(connect.CodePermissionDenied), connect.CodePermissionDenied.String()
	return denied
}

// OfDecision is what a call fails with that a policy decides so; nil if it allows it, or was not asked.
func OfDecision(d *meshv1.AccessDecision) error {
	if d == nil || d.GetAllowed() {
		return nil
	}
	return Denied(d.GetReason())
}

// AddReason says why the mesh failed a call, in words; nothing for no reason.
func (f *Error) AddReason(reason mesh.Reason) {
	if reason != "" {
		f.Because("reason " + strings.ReplaceAll(string(reason), "_", " "))
	}
}

// AddCandidates tells of each collector why it did not take the call.
func (f *Error) AddCandidates(candidates []*meshv1.Candidate) {
	for _, candidate := range candidates {
		f.Because(candidate.GetCollectorId() + ": " + candidate.GetReason())
	}
}

// AddCallFailure takes over what the mesh tells about a call that it could not make.
func (f *Error) AddCallFailure(failed *meshv1.CallFailure) {
	f.Route = failed.GetRoute()
	f.Details = map[string]string{status.ReasonKey: failed.GetReason()}
	if len(f.Route) > 1 {
		f.Because("route " + words.Route(f.Route))
	}
	if failed.GetMaybeExecuted() {
		f.Details["maybe_executed"] = "true"
		f.Because("the method may have run")
	}
	f.AddCandidates(failed.GetCandidates())
	if more := failed.GetOmittedCandidates(); more > 0 {
		f.Because(fmt.Sprintf("and %d more; collector route lists all", more))
	}
}
