package access

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/access/internal/pace"
	"github.com/collectiverpc/collective/access/internal/ruleset"
)

// Guard authenticates callers and decides what they may do. Make it with [New]. It is safe for concurrent use.
type Guard struct {
	authenticators []Authenticator
	policies       policies
	log            *slog.Logger
	audit          *auditor
	rates          *pace.Table
	now            func() time.Time
	revision       atomic.Uint64
}

// New makes a guard. Without options it has no authenticators and the default policy. It refuses a policy text or file that
// cannot be used, with [ErrPolicy] and every line of it that is at fault.
func New(opts ...Option) (*Guard, error) {
	o := defaults()
	for _, option := range opts {
		option(&o)
	}
	if slices.Contains(o.authenticators, nil) {
		return nil, errors.New("access.WithAuthenticator: an authenticator is nil: leave it out")
	}
	g := &Guard{authenticators: o.authenticators, log: o.log, now: o.now, rates: pace.NewTable(maxBuckets)}
	g.audit = &auditor{now: o.now}
	for _, sink := range o.audits {
		g.audit.listen(sink)
	}
	g.policies.source, g.policies.anonymous, g.policies.log = o.source, o.anonymous, o.log
	if err := g.policies.load(); err != nil {
		return nil, err
	}
	return g, nil
}

// Audited lets sink have the events that are to be audited, as with [WithAudit], until remove is called. It is for what makes use
// of a guard that somebody else has made, as a collector does.
func (g *Guard) Audited(sink func(Event)) (remove func()) { return g.audit.listen(sink) }

// Authenticate gives the principal of credentials: that of the first authenticator that finds something of its kind, or
// [Nobody] without any. Credentials that are shown and are not believed are refused, and never taken for anonymous: an error
// is a *connect.Error, unauthenticated unless the authenticator has a code of its own.
func (g *Guard) Authenticate(ctx context.Context, c *Credentials) (*Principal, error) {
	for _, authenticator := range g.authenticators {
		p, err := authenticator.Authenticate(ctx, c)
		if err == nil && p != nil {
			err = p.Check()
		}
		if err != nil {
			return nil, g.RefuseCredentials(c, err)
		}
		if p != nil {
			return p, nil
		}
	}
	return Nobody, nil
}

// RefuseCredentials audits that credentials are refused, and gives back the error for their caller: a *connect.Error,
// unauthenticated unless err has a code of its own. [Guard.Authenticate] does it for those that its authenticators refuse; it is
// for what makes use of a guard and refuses some before, such as a header that comes twice.
func (g *Guard) RefuseCredentials(c *Credentials, err error) error {
	refused, ok := errors.AsType[*connect.Error](err)
	if !ok {
		refused = connect.NewError(connect.CodeUnauthenticated, err.Error()).WithCause(err)
	}
	host, _, splitErr := net.SplitHostPort(c.Remote)
	if splitErr != nil {
		host = c.Remote
	}
	g.audit.denied(denial{remote: host, why: kindOf(refused), action: ActionAuthenticate}, Event{
		Time: g.now(), Action: ActionAuthenticate, Reason: told(refused.Message()), Detail: map[string]string{"remote": c.Remote},
	})
	return refused
}

// kindOf tells refusals of one kind from those of others: by their first detail, which has the reason for programs, since the text
// may say how long ago something was.
func kindOf(refused *connect.Error) string {
	if details := refused.Details(); len(details) > 0 {
		return string(details[0].Value)
	}
	return ""
}

// Decide says whether a caller may do something. The answer is remembered until policies are loaded again, and shared: do not
// change it. A nil caller is anonymous and remote.
func (g *Guard) Decide(c *Caller, a Action, r Resource) *Decision {
	return &g.answer(c.settled(), a, r).Decision
}

func (g *Guard) answer(c *Caller, a Action, r Resource) *answer {
	inForce := g.policies.current.Load()
	key := question{caller: c.id, action: a, resource: r}
	if known, ok := inForce.answers.Get(key); ok {
		return known
	}
	made := g.evaluate(inForce, c, a, r)
	if !key.isNamed() {
		return made
	}
	return inForce.answers.Put(key.kept(), made)
}

// evaluate asks the policies.
func (g *Guard) evaluate(inForce *force, c *Caller, a Action, r Resource) *answer {
	v := inForce.set.Evaluate(&ruleset.Request{
		Kind: string(c.Kind), ID: c.ID, Groups: c.Groups, Action: a.String(), Namespace: r.Namespace, Procedure: r.Procedure,
		Network: c.Network, Entrance: c.Entrance, Via: c.Via, TLS: c.TLS,
	})
	made := &answer{Decision: Decision{Allowed: v.Allowed, Reason: sentence(c, a, r, v), Policies: idsOf(v.Decided)}}
	for _, failure := range v.Failed {
		made.Errors = append(made.Errors, failure.Rule.ID+": "+failure.Message)
		g.logFailure(inForce, failure)
	}
	if v.Allowed {
		made.buckets = g.buckets(inForce, c, r, v.Decided)
	}
	return made
}

// logFailure logs a policy that cannot be evaluated, once.
func (g *Guard) logFailure(inForce *force, failure ruleset.Failure) {
	if _, logged := inForce.failed.LoadOrStore(failure.Rule.ID, true); !logged {
		g.log.Error("policy cannot be evaluated and does not apply", slog.String("policy", failure.Rule.ID),
			slog.String("file", failure.Rule.File), slog.Int("line", failure.Rule.Line), slog.String("error", failure.Message))
	}
}

// buckets are those of the permits that have a rate. Where the table forgot idle ones, decisions that refer to them are
// forgotten as well, so that nobody has two buckets.
func (g *Guard) buckets(inForce *force, c *Caller, r Resource, permits []*ruleset.Rule) []*pace.Bucket {
	var buckets []*pace.Bucket
	for _, rule := range permits {
		if rule.Rate == nil {
			continue
		}
		bucket, forgot := g.rates.Bucket(bucketKey(c, r, rule), g.now().UnixNano())
		if forgot {
			g.policies.current.CompareAndSwap(inForce, inForce.forgetful())
		}
		buckets = append(buckets, bucket)
	}
	return buckets
}

// Policies are the policies in force, in their order.
func (g *Guard) Policies() []Policy { return policiesOf(g.policies.current.Load().set) }

// Policy is the policy in force that has an id, as [Decision.Policies] names it.
func (g *Guard) Policy(id string) (Policy, bool) {
	r, ok := g.policies.current.Load().set.Find(id)
	if !ok {
		return Policy{}, false
	}
	return policyOf(r), true
}

// Close reports the counts of denials that wait to be reported, and nothing from then on. It always succeeds. A guard that is
// closed still decides.
func (g *Guard) Close() error {
	g.audit.close()
	return nil
}
