package dispatcher

import (
	"context"

	"github.com/collectiverpc/collective/gen/collector"
)

// Dispatch runs a method where it lives: on the target if there is one, else here if it is registered here, else on a
// peer. Failures are in the Status; the error is always nil.
func (d *Dispatcher) Dispatch(ctx context.Context, req *collector.DispatchRequest) (*collector.DispatchResponse, error) {
	return d.envelopes.Dispatch(ctx, req), nil
}

// Serve runs a method on this very collector, or refuses it; it never forwards. Failures are in the Status; the error
// is always nil.
func (d *Dispatcher) Serve(ctx context.Context, req *collector.ServeRequest) (*collector.ServeResponse, error) {
	return d.envelopes.Serve(ctx, req), nil
}
