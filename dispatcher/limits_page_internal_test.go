package dispatcher

import (
	"testing"
	"time"

	"github.com/collectiverpc/collective/internal/descriptor"
	"github.com/collectiverpc/collective/internal/limitdoc"
	"github.com/collectiverpc/collective/internal/observe"
)

func TestLimitsPage(t *testing.T) {
	t.Parallel()
	limitdoc.Check(t, "dispatcher", limitdoc.Fields("dispatcher.Limits", Limits{}.withDefaults()), map[string]any{
		"dispatcher.WithHistory":                          observe.DefaultCalls,
		"comments of such a file":                         limitdoc.Bytes(descriptor.MaxComments),
		"messages within messages":                        maxDepth,
		"silence on HTTP/2 until a ping":                  http2Silence,
		"answer to that ping":                             http2Answer,
		"a client takes no byte of an answer":             http2Write,
		"least time left for a call to be sent to a peer": leastTime,
		"a browser remembers that a page may call":        preflightSeconds * time.Second,
		"repetitions, of all calls to peers":              limitdoc.Percent(100 * budgetPerCall / budgetSpent),
		"and so many a second more":                       budgetPerSecond / budgetSpent,
	})
}
