package dispatcher

import (
	"maps"
	"testing"
	"time"

	"github.com/collectiverpc/collective/dispatcher/internal/call"
	"github.com/collectiverpc/collective/dispatcher/internal/codec"
	"github.com/collectiverpc/collective/dispatcher/internal/ingress"
	"github.com/collectiverpc/collective/dispatcher/internal/ingress/exchange"
	"github.com/collectiverpc/collective/dispatcher/internal/ingress/flood"
	"github.com/collectiverpc/collective/dispatcher/internal/ingress/place"
	"github.com/collectiverpc/collective/dispatcher/internal/peerschema"
	"github.com/collectiverpc/collective/dispatcher/internal/session"
	"github.com/collectiverpc/collective/internal/audit"
	"github.com/collectiverpc/collective/internal/descriptor"
	"github.com/collectiverpc/collective/internal/limitdoc"
	"github.com/collectiverpc/collective/internal/observe"
)

func TestLimitsPage(t *testing.T) {
	t.Parallel()
	fixed := map[string]any{
		"dispatcher.WithHistory":                                                           observe.DefaultCalls,
		"comments of such a file":                                                          limitdoc.Bytes(descriptor.MaxComments),
		"a link to log in to the console":                                                  session.LoginAge,
		"such links at once":                                                               session.MostLogins,
		"a console session that nobody uses":                                               session.IdleTime,
		"a console session":                                                                session.LongestTime,
		"console sessions at once":                                                         session.MostSessions,
		"refused logins that are told of, at once":                                         session.RefusedBurst,
		"events of the audit log, in memory":                                               audit.MostInMemory,
		"events of the audit log, in a file":                                               audit.MostKept,
		"age of an event in a file":                                                        audit.KeptFor,
		"equal denials are one event with a count":                                         audit.Together,
		"different denials of a caller that are kept one by one in that time":              audit.MostOfCaller,
		"messages within messages":                                                         codec.MaxDepth,
		"silence on HTTP/2 until a ping":                                                   ingress.PingAfter,
		"answer to that ping":                                                              ingress.PingTimeout,
		"a client takes no byte from the socket of an HTTP/2 connection":                   ingress.WriteTimeout,
		"a client takes no byte of what the kernel has sent":                               place.UnreadTimeout,
		"a client sends the rest of a request that has been answered, over HTTP/1.1":       exchange.RestTime,
		"cost of frames of HTTP/2 that bring no call forward, at once":                     flood.Burst * time.Microsecond,
		"and so much a second more":                                                        flood.PerSecond * time.Microsecond,
		"a request of a connection that has no place waits for one":                        place.SettleWithin,
		"calls on one HTTP/2 connection whose client stopped":                              place.MostStuck,
		"least time left for a call to be sent to a peer":                                  call.LeastTime,
		"a browser remembers that a page may call":                                         ingress.PreflightAge,
		"repetitions, of all calls to peers":                                               limitdoc.Percent(100 * call.BudgetPerCall / call.BudgetSpent),
		"and so many a second more":                                                        call.BudgetPerSecond / call.BudgetSpent,
		"a peer that is asked for its schemas says nothing":                                peerschema.PullSilence,
		"all that one is asked for arrives":                                                peerschema.PullTimeout,
		"pause until a peer that failed again and again is asked for its schemas, at most": peerschema.PullSeldom,
	}
	maps.Copy(fixed, choosing)
	maps.Copy(fixed, admitting)
	limitdoc.Check(t, "dispatcher", limitdoc.Fields("dispatcher.Limits", Limits{}.withDefaults()), fixed)
}
