package access

import (
	"strings"
	"time"
	"unicode"

	"github.com/collectiverpc/collective/access/internal/pace"
	"github.com/collectiverpc/collective/access/internal/ruleset"
)

// The bounds of what is remembered. With them a stranger who makes up names can hold about 10 MiB.
const (
	maxDecisions    = 8192
	maxResourceName = 1024 + 256 // bytes of a resource that a decision is remembered for: longer ones name nothing that exists
	maxBuckets      = 65_536     // buckets of rates, one for each principal and policy with a rate
	maxTold         = 256        // bytes of a name in a reason or an event
)

// question is what decisions are remembered by: as large as two pointers and two strings.
type question struct {
	caller   callerID
	action   Action
	resource Resource
}

// isNamed reports whether a resource may be something that exists, and its decision worth remembering.
func (q question) isNamed() bool {
	return len(q.resource.Namespace)+len(q.resource.Procedure) <= maxResourceName
}

// kept is the question with strings of its own, since those of a request may keep all of it in memory.
func (q question) kept() question {
	q.resource = Resource{Namespace: strings.Clone(q.resource.Namespace), Procedure: strings.Clone(q.resource.Procedure)}
	return q
}

// answer is a decision, and the buckets from which a token each has to be taken before it is acted upon.
type answer struct {
	Decision
	buckets []*pace.Bucket
}

// take takes a token from every bucket, or none and says how long until there is one in the first that is empty.
func (a *answer) take(now int64) (wait time.Duration) {
	for i, b := range a.buckets {
		if wait = b.Take(now); wait > 0 {
			for _, taken := range a.buckets[:i] {
				taken.Return()
			}
			return wait
		}
	}
	return 0
}

// bucketKey is what a rate of a rule counts by.
func bucketKey(c *Caller, r Resource, rule *ruleset.Rule) pace.Key {
	key := pace.Key{Principal: c.Principal.String(), Policy: rule.ID, Rate: pace.Rate{Every: rule.Rate.Every, Burst: rule.Rate.Burst}}
	if rule.Rate.PerMethod {
		key.Procedure = r.Procedure
	}
	return key
}

// told makes a name that anybody may have made up fit for logs, errors and events.
func told(s string) string {
	if len(s) > maxTold {
		s = s[:maxTold] + "…"
	}
	return strings.Map(func(r rune) rune {
		if isUnprintable(r) || r == unicode.ReplacementChar {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// told is a resource as it may be shown.
func (r Resource) told() Resource {
	return Resource{Namespace: told(r.Namespace), Procedure: told(r.Procedure)}
}
