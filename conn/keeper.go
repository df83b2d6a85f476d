package conn

import (
	"context"
	"time"
)

const (
	// idleAfter is how long a connection is active after its last call.
	idleAfter = 5 * time.Minute

	keepEvery  = time.Second
	purgeEvery = time.Hour
)

// keeper looks after the standing connections: each second it notes which were used, writes what changed without anybody
// waiting for it, and adds up the counters. Calls pay for an atomic addition and nothing else.
type keeper struct {
	dir     *directory
	records *recordKeeper
	claims  *claims
	pruner  *pruner
	loaded  time.Time     // when the connections of earlier runs were
	kick    chan struct{} // asks it to look now
}

// keep runs through the life of the manager.
func (k *keeper) keep(ctx context.Context) {
	tick, purge := time.NewTicker(keepEvery), time.NewTicker(purgeEvery)
	defer tick.Stop()
	defer purge.Stop()
	for {
		select {
		case <-tick.C:
			k.noteUse(time.Now())
			k.giveUpExpecting(time.Now())
			k.records.writeBack()
			k.pruner.crowd()
		case <-k.kick:
			k.records.writeBack()
		case <-purge.C:
			k.pruner.old()
		case <-ctx.Done():
			return
		}
	}
}

// wake asks for a look now. It never waits.
func (k *keeper) wake() {
	select {
	case k.kick <- struct{}{}:
	default:
	}
}

// noteUse makes connections idle that were quiet for long, and active those that were not.
func (k *keeper) noteUse(now time.Time) {
	k.dir.mu.Lock()
	defer k.dir.mu.Unlock()
	for _, c := range k.dir.known() {
		k.claims.expire(c, now)
		if requests := c.path.tally.requests.Load(); requests != c.counted {
			c.counted, c.activity = requests, now
			k.dir.observe(c, eventUsed)
		} else if now.Sub(c.lastUse()) >= idleAfter {
			k.dir.observe(c, eventQuiet)
		}
	}
}

// giveUpExpecting ends the wait for peers of earlier runs.
func (k *keeper) giveUpExpecting(now time.Time) {
	if now.Sub(k.loaded) < expectFor {
		return
	}
	k.dir.mu.Lock()
	defer k.dir.mu.Unlock()
	for _, c := range k.dir.conns {
		if c.expected {
			c.expected = false
			k.dir.publish(c)
		}
	}
}
