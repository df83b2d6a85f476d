package authz

import (
	"context"
	"errors"
	"slices"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/internal/observe"
	"github.com/collectiverpc/collective/mesh"
)

// Authorizer asks the guard of a collector. Its exported fields are set before the first call; it is safe for concurrent use.
type Authorizer struct {
	// Guard decides.
	Guard *access.Guard
	// Socket knows who is at the other end of the operators' socket. Nil: nobody is believed there.
	Socket access.Authenticator
	// Ends tells of the other end of a link.
	Ends func(*link.Link) End

	process   *access.Caller
	anonymous map[observe.Entrance]*[networks][2]*access.Caller // without credentials, by network and TLS
}

// New makes the authorizer of the collector self.
func New(self string, guard *access.Guard, ends func(*link.Link) End) *Authorizer {
	a := &Authorizer{Guard: guard, Ends: ends, anonymous: make(map[observe.Entrance]*[networks][2]*access.Caller)}
	a.process = access.NewCaller(ofCollector(self), access.Origin{Network: access.NetworkProcess, Entrance: string(observe.Process)})
	for _, entrance := range []observe.Entrance{observe.Native, observe.Dispatch, observe.Serve, observe.Link, Own} {
		a.anonymous[entrance] = anonymousAt(entrance)
	}
	return a
}

// Own is the entrance of calls of the collector's own services.
const Own observe.Entrance = "own"

// ofCollector is the principal of a collector. An id that can be no principal's, which no collector has, is nobody's.
func ofCollector(id string) *access.Principal {
	p, err := access.NewPrincipal(access.KindCollector, id)
	if err != nil {
		return access.Nobody
	}
	return p
}

// Process is the caller of what this program calls by itself: the collector. Whoever has called the handler that makes such
// a call, it is the program's own.
func (a *Authorizer) Process() *access.Caller { return a.process }

// Call refuses the call of a method that its caller may not make. It counts: it is asked once for a call.
func (a *Authorizer) Call(ctx context.Context, c *access.Caller, namespace, procedure string) *refusal.Refusal {
	return a.Authorize(ctx, c, access.Call, access.Resource{Namespace: namespace, Procedure: procedure})
}

// Authorize refuses what a caller may not do. It counts against rates, and is audited.
func (a *Authorizer) Authorize(ctx context.Context, c *access.Caller, action access.Action, r access.Resource) *refusal.Refusal {
	if err := a.Guard.Authorize(ctx, c, action, r); err != nil {
		return denied(err)
	}
	return nil
}

// Known is refused, or what a caller is told in its place who may neither describe nor call what the refusal is about: to
// such a one all names are alike.
func (a *Authorizer) Known(ctx context.Context, c *access.Caller, namespace, procedure string, refused *refusal.Refusal) *refusal.Refusal {
	r := access.Resource{Namespace: namespace, Procedure: procedure}
	if a.May(c, access.Describe, r) || a.May(c, access.Call, r) {
		return refused
	}
	if denied := a.Authorize(ctx, c, access.Call, r); denied != nil {
		return denied
	}
	return refused // the policy has just become another
}

// May reports whether a caller may do something, without counting it.
func (a *Authorizer) May(c *access.Caller, action access.Action, r access.Resource) bool {
	return a.Guard.Decide(c, action, r).Allowed
}

// Lines say how callers are authenticated, those on a unix socket too, and which policies decide, for people.
func (a *Authorizer) Lines() []string {
	lines := a.Guard.Lines()
	describer, ok := a.Socket.(access.Describer)
	if !ok {
		return lines
	}
	for _, line := range describer.Lines() {
		if !slices.Contains(lines, line) {
			lines = slices.Insert(lines, len(lines)-1, line)
		}
	}
	return lines
}

// Serves reports whether a collector may serve in a namespace: what its catalog offers there counts only then.
func (a *Authorizer) Serves(id, namespace string) bool {
	c := access.NewCaller(ofCollector(id), access.Origin{Network: access.NetworkRemote, Entrance: string(observe.Link), Via: id})
	return a.May(c, access.Serve, access.Resource{Namespace: namespace})
}

// denied makes the refusal of an error of the guard. The sentence of the decision, which names policies, stays inside.
func denied(err error) *refusal.Refusal {
	denial, ok := errors.AsType[*access.Denial](err)
	if !ok {
		return notBelieved(err)
	}
	who, what := told(denial)
	r := refusal.New(connect.CodePermissionDenied, mesh.ReasonPolicyDenied, who+" may not "+what+": a policy of this collector has to permit it")
	switch connect.CodeOf(err) {
	case connect.CodeUnauthenticated:
		r = refusal.New(connect.CodeUnauthenticated, mesh.ReasonUnauthenticated, who+" may not "+what+": say who you are, by credentials that this collector believes")
	case connect.CodeResourceExhausted:
		r = refusal.New(connect.CodeResourceExhausted, mesh.ReasonRateLimited,
			who+" may not "+what+" so often: try again in "+denial.RetryAfter.String())
	}
	r.Inside, r.Cause = denial.Decision.Reason, err
	if coded, ok := errors.AsType[*connect.Error](err); ok {
		r.Details = coded.Details()
	}
	return r
}

// told are the caller of a denial and what was asked for, in words.
func told(d *access.Denial) (who, what string) {
	who, what = d.Caller.String(), d.Action.String()+" "+d.Resource.String()
	if d.Caller.Kind == access.KindAnonymous {
		who = "an anonymous caller"
	}
	if d.Resource == (access.Resource{}) {
		what = d.Action.String()
	}
	return who, what + " here"
}

// notBelieved refuses credentials, in the words of who has read them.
func notBelieved(err error) *refusal.Refusal {
	r := refusal.New(connect.CodeUnauthenticated, mesh.ReasonUnauthenticated, "the credentials are not believed")
	coded, ok := errors.AsType[*connect.Error](err)
	if !ok {
		r.Cause = err
		return r
	}
	r.Code, r.Message, r.Cause = coded.Code(), coded.Message(), err
	if reason := mesh.ReasonOf(coded); reason != "" {
		r.Reason = reason
	}
	return r
}
