package access

import (
	"context"
	"fmt"
	"time"

	"connectrpc.com/connect/v2"
)

// Denial is the cause of an error of [Guard.Authorize]: find it with errors.As.
type Denial struct {
	// Caller, Action and Resource are what was asked.
	Caller *Caller
	// Action is what was asked for.
	Action Action
	// Resource is what it was asked for.
	Resource Resource
	// Decision is the answer: allowed only when a rate is exceeded.
	Decision *Decision
	// RetryAfter is when the rate lets the next one through; 0 if no rate is exceeded.
	RetryAfter time.Duration
}

// Error is the reason, without advice.
func (d *Denial) Error() string { return d.Decision.Reason }

// Authorize is [Guard.Decide] for what is about to be done: it takes a token of the rates of the policies that permit it, and
// reports what is to be audited. An error is a *connect.Error, with a [*Denial] as its cause: unauthenticated for an anonymous
// caller who could show credentials, otherwise permission_denied; resource_exhausted with google.rpc.RetryInfo in its details
// where a rate is exceeded.
func (g *Guard) Authorize(ctx context.Context, c *Caller, a Action, r Resource) error {
	c = c.settled()
	d := g.Decide(c, a, r)
	if !d.Allowed {
		return g.deny(&Denial{Caller: c, Action: a, Resource: r, Decision: d})
	}
	if a == Register || a == Force || a == Operate {
		g.audit(eventOf(g.now(), c, a, r, d))
	}
	return nil
}

func (g *Guard) deny(d *Denial) error {
	g.audit(eventOf(g.now(), d.Caller, d.Action, d.Resource, d.Decision))
	if d.Caller.Kind == KindAnonymous && g.Authenticates() {
		return connect.NewError(connect.CodeUnauthenticated, fmt.Sprintf("%s: show credentials that this collector believes", d.Decision.Reason)).WithCause(d)
	}
	return connect.NewError(connect.CodePermissionDenied, fmt.Sprintf("%s: a policy has to; see `collector policy why`", d.Decision.Reason)).WithCause(d)
}
