package dispatcher

import (
	"sync"
	"time"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/dispatcher/internal/call"
)

// opening lets calls wait, after a start, for peers of earlier runs.
type opening struct {
	views    *call.Views
	conns    *conn.Manager
	timeout  time.Duration
	draining <-chan struct{}
	waiting  sync.WaitGroup
}

// awaitPeers makes calls wait. It does not wait itself.
func (o *opening) awaitPeers(joining <-chan struct{}) {
	end := o.views.Expect()
	if end == nil {
		return
	}
	o.waiting.Go(func() {
		defer end()
		timeout := time.NewTimer(o.timeout)
		defer timeout.Stop()
		for {
			changed := o.conns.Changed()
			if joining == nil && !o.expectsPeers() {
				return
			}
			select {
			case <-changed:
			case <-joining:
				joining = nil
			case <-timeout.C:
				return
			case <-o.draining:
				return
			}
		}
	})
}

// expectsPeers reports whether a peer of an earlier run has not been heard in this one.
func (o *opening) expectsPeers() bool {
	for _, peer := range o.conns.Table().Peers() {
		if peer.Silent {
			return true
		}
	}
	return false
}
