package dispatcher

import (
	"context"
)

// Resume brings the connections of earlier runs back, see [conn.Manager.RecoverFromRestart], and lets calls wait for
// them: one that would be refused because nobody is known yet who serves it is decided when somebody is, or when all
// peers of earlier runs have said what they serve and joining is closed, or after [Limits.OpenTimeout], whatever comes
// first. Calls that can be taken do not wait, nor does anything but calls. Call it once, when everything is registered
// and before the first request is accepted; [Dispatcher.ListenAndServe] does. A nil joining is not waited for.
func (d *Dispatcher) Resume(ctx context.Context, joining <-chan struct{}) error {
	if d.limits.OpenTimeout > 0 {
		d.opening.awaitPeers(joining)
	}
	return d.conns.RecoverFromRestart(ctx)
}
