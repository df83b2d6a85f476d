package dispatcher

import (
	"github.com/collectiverpc/collective/dispatcher/internal/admission"
	"github.com/collectiverpc/collective/internal/limitdoc"
)

// admitting is what the page says of when a method is limited.
var admitting = map[string]any{
	"and at least, if they are answered in time":                                                        admission.LeastLimit,
	"calls take twice as long as they usually do, and at least so much longer, before there is a limit": admission.Slack,
	"part of the time until its deadline that a call takes before there is a limit":                     limitdoc.Percent(100 * admission.Danger),
	"a limit that no call has met is kept":                                                              admission.LimitAge,
	"a call waits for a place half of what it usually takes, at least":                                  admission.LeastWait,
	"and at most so long": admission.MostWait,
}
