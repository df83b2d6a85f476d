package dispatcher

import (
	"context"
	"time"
)

// Resume brings the connections of earlier runs back, see [conn.Manager.RecoverFromRestart], and lets calls wait for
// them: one that would be refused because nobody is known yet who serves it is decided when somebody is, or when all
// peers of earlier runs have said what they serve and joining is closed, or after [Limits.OpenTimeout], whatever comes
// first. Calls that can be taken do not wait, nor does anything but calls. Call it once, when everything is registered
// and before the first request is accepted; [Dispatcher.ListenAndServe] does. A nil joining is not waited for.
func (d *Dispatcher) Resume(ctx context.Context, joining <-chan struct{}) error {
	if d.limits.OpenTimeout > 0 {
		d.awaitPeers(joining)
	}
	return d.conns.RecoverFromRestart(ctx)
}

// awaitPeers makes calls wait. It does not wait itself.
func (d *Dispatcher) awaitPeers(joining <-chan struct{}) {
	end := d.views.Expect()
	if end == nil {
		return
	}
	d.waiting.Go(func() {
		defer end()
		timeout := time.NewTimer(d.limits.OpenTimeout)
		defer timeout.Stop()
		for {
			changed := d.conns.Changed()
			if joining == nil && !d.expectsPeers() {
				return
			}
			select {
			case <-changed:
			case <-joining:
				joining = nil
			case <-timeout.C:
				return
			case <-d.draining:
				return
			}
		}
	})
}

// expectsPeers reports whether a peer of an earlier run has not been heard in this one.
func (d *Dispatcher) expectsPeers() bool {
	for _, peer := range d.conns.Table().Peers() {
		if peer.Silent {
			return true
		}
	}
	return false
}
