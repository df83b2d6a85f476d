package meshtest

import (
	"context"
	"fmt"
	"net/http"

	"github.com/collectiverpc/collective/dispatcher"
)

// Join connects a collector to the one at address and waits as [AwaitServed] does.
// After that a call of the procedure can go to the peer.
func Join(ctx context.Context, d *dispatcher.Dispatcher, address, namespace, procedure string) error {
	if err := Connect(ctx, d, address); err != nil {
		return err
	}
	return AwaitServed(ctx, d, namespace, procedure)
}

// Connect connects a collector to the one at address. What that serves may not be known yet.
// It offers all namespaces of the collector. An answer other than OK is an error here.
func Connect(ctx context.Context, d *dispatcher.Dispatcher, address string) error {
	res, err := d.ConnectTo(ctx, address, nil)
	if err != nil {
		return err
	}
	if res.GetStatus().GetCode() != http.StatusOK {
		return fmt.Errorf("connecting %s to %s: %v", d.ID(), address, res.GetStatus())
	}
	return nil
}

// AwaitServed waits until a collector has heard that a peer serves a procedure.
// It is by catalogs: a seed peer, which has none, is never heard.
func AwaitServed(ctx context.Context, d *dispatcher.Dispatcher, namespace, procedure string) error {
	return Await(ctx, d, procedure, func() bool { return len(d.Connections().Table().Serving(namespace, procedure)) > 0 })
}

// Await waits until the peers of a collector are as wanted, for at most [Patience]. what names it in the error.
// It looks at once and then at each change, and never by a clock: there is no interval to tune.
// wanted is called by one goroutine.
func Await(ctx context.Context, d *dispatcher.Dispatcher, what string, wanted func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	for {
		changed := d.Connections().Changed()
		if wanted() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("collector %s: %s did not come: %w", d.ID(), what, ctx.Err())
		}
	}
}
