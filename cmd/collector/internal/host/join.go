package host

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/collectiverpc/collective/gen/collector"
)

// A collector to join that is not up yet is dialled again after this long, longer each time.
const (
	joinBase = 250 * time.Millisecond
	joinCap  = 15 * time.Second
)

// joiner is the one thing that joining needs of a dispatcher.
type joiner interface {
	ConnectTo(ctx context.Context, address string, namespaces []string) (*collector.ConnectResponse, error)
}

// joinAll joins all collectors of the configuration, and closes joined when it has or is told to stop.
func joinAll(ctx context.Context, config Config, d joiner, joined chan<- struct{}) {
	defer close(joined)
	var joins sync.WaitGroup
	for _, address := range config.Join {
		joins.Go(func() { join(ctx, config.Logger, d, address) })
	}
	joins.Wait()
}

// joinMore joins the collectors that are named later, until it is told to stop.
func joinMore(ctx context.Context, config Config, d joiner) {
	var joins sync.WaitGroup
	defer joins.Wait()
	for {
		select {
		case address := <-config.MoreJoins:
			joins.Go(func() { join(ctx, config.Logger, d, address) })
		case <-ctx.Done():
			return
		}
	}
}

// join connects to a collector, trying until it is up; from then on the connection manager keeps it. Trouble is logged
// once, until it changes.
func join(ctx context.Context, log *slog.Logger, d joiner, address string) {
	said := ""
	for wait := joinBase; ; wait = min(2*wait, joinCap) {
		res, err := d.ConnectTo(ctx, address, nil)
		if err == nil && res.GetStatus().GetCode() == http.StatusOK {
			log.Info("joined", "peer", res.GetTargetCollectorId(), "address", address, "shared", res.GetSharedNamespaces())
			return
		}
		if ctx.Err() != nil {
			return
		}
		if trouble := joinTrouble(res, err); trouble != said {
			log.Warn("cannot join yet, trying again", "address", address, "error", trouble)
			said = trouble
		}
		if !sleep(ctx, jitter(wait)) {
			return
		}
	}
}

func joinTrouble(res *collector.ConnectResponse, err error) string {
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d: %s", res.GetStatus().GetCode(), res.GetStatus().GetMessage())
}

// jitter is between half and all of d, so that collectors started together do not dial in step.
func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d/2+1) }

// sleep waits and reports whether it may go on.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
