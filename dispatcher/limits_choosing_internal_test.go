package dispatcher

import (
	"github.com/collectiverpc/collective/dispatcher/internal/endpoint"
	"github.com/collectiverpc/collective/internal/limitdoc"
)

// choosing is what the page says of how a peer is chosen.
var choosing = map[string]any{
	"half of what is known of the latency of a peer is forgotten":                                   endpoint.HalfLife,
	"answers that take less are equally good":                                                       endpoint.NotableLatency,
	"a failure counts as an answer that took ten times as long as others of the peer, and at least": endpoint.WorseLeast,
	"and at most": endpoint.WorseMost,
	"failures in a row of a service of a peer until it is ejected":             endpoint.Row,
	"an ejection; each one in a row is as much longer":                         endpoint.EjectedFor,
	"ejections in a row that make the next one longer":                         endpoint.MostTimes,
	"such calls in a row that must go well until the peer is back":             endpoint.Proofs,
	"pause between reviews of the share of calls that failed":                  endpoint.ReviewEach,
	"calls of a peer, and of the others, that it takes for that":               endpoint.ReviewCalls,
	"difference of the shares that it takes, and more than there is by chance": limitdoc.Percent(100 * endpoint.ReviewShare),
}
