package remote

import (
	"time"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/schema"
)

// explainer makes failures of the errors of a session. It says only what is proven: by the error, or by what the other end
// answered.
type explainer struct {
	way      reach
	recorded *recordingTransport
	timeout  time.Duration // of --timeout; 0 for none
	started  time.Time
	env      func(string) string
	known    *schema.Set // of the method that is called; nil before it is known
}
