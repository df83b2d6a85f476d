package access

import (
	"context"
	"fmt"
	"strings"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/encoding/protowire"
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
func (d *Denial) Error() string {
	if d.RetryAfter > 0 {
		return fmt.Sprintf("%s may %s %s less often: the rate of %s is exceeded, retry in %s", d.Caller.Principal, d.Action,
			d.Resource.told(), strings.Join(d.Decision.Policies, ", "), d.RetryAfter.Round(time.Millisecond))
	}
	return d.Decision.Reason
}

// Authorize is [Guard.Decide] for what is about to be done: it takes a token of each rate of the policies that permit it, and
// reports what is to be audited. Call it once for a call at each collector that decides.
//
// An error is a *connect.Error, with a [*Denial] as its cause: unauthenticated for an anonymous caller who could show
// credentials, otherwise permission_denied; resource_exhausted with google.rpc.RetryInfo in its details where a rate is
// exceeded.
func (g *Guard) Authorize(_ context.Context, c *Caller, a Action, r Resource) error {
	c = c.settled()
	found := g.answer(c, a, r)
	if !found.Allowed {
		return g.deny(&Denial{Caller: c, Action: a, Resource: r, Decision: &found.Decision})
	}
	if len(found.buckets) > 0 {
		if wait := found.take(g.now().UnixNano()); wait > 0 {
			return g.limit(&Denial{Caller: c, Action: a, Resource: r, Decision: &found.Decision, RetryAfter: wait})
		}
	}
	if a == Register || a == Force || a == Operate {
		g.audit.allowed(eventOf(g.now(), c, a, r, &found.Decision))
	}
	return nil
}

// deny refuses what the policies do not allow.
func (g *Guard) deny(d *Denial) error {
	g.report(d, eventOf(g.now(), d.Caller, d.Action, d.Resource, d.Decision))
	if d.Caller.Kind == KindAnonymous && g.Authenticates() {
		return connect.NewError(connect.CodeUnauthenticated, d.Error()+": show credentials that this collector takes; its status says which").WithCause(d)
	}
	return connect.NewError(connect.CodePermissionDenied, d.Error()+": a policy of this collector has to permit it, see `collector policy why`").WithCause(d)
}

// limit refuses what is allowed, but not so often.
func (g *Guard) limit(d *Denial) error {
	e := eventOf(g.now(), d.Caller, d.Action, d.Resource, d.Decision)
	e.Allowed, e.Reason = false, d.Error()
	g.report(d, e)
	return connect.NewError(connect.CodeResourceExhausted, d.Error()).WithCause(d).WithDetail(retryInfo(d.RetryAfter))
}

func (g *Guard) report(d *Denial, e Event) {
	key := denial{caller: d.Caller.id, action: e.Action, resource: Resource{Namespace: e.Namespace, Procedure: e.Procedure}}
	key.limited = d.RetryAfter > 0
	g.audit.denied(key, e)
}

// retryInfo is a google.rpc.RetryInfo: a Duration in the field 1. The message is so small that its package is not worth a
// dependency.
func retryInfo(after time.Duration) *connect.ErrorDetail {
	delay := protowire.AppendTag(nil, 1, protowire.VarintType)
	delay = protowire.AppendVarint(delay, uint64(after/time.Second))
	delay = protowire.AppendTag(delay, 2, protowire.VarintType)
	delay = protowire.AppendVarint(delay, uint64(after%time.Second))
	value := protowire.AppendTag(nil, 1, protowire.BytesType)
	return &connect.ErrorDetail{Type: "google.rpc.RetryInfo", Value: protowire.AppendBytes(value, delay)}
}
