package dispatcher

import (
	"context"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"

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

// Explain says which collector would run a call and why. It is the router's own verdict; no call is made. Where equal
// peers take turns, one of them is named first as for the next call.
func (d *Dispatcher) Explain(req *meshv1.ExplainRouteRequest) *meshv1.ExplainRouteResponse {
	return d.own.mesh.Explain(req)
}

// Connect answers another collector that asks for a connection. Refusals are in the Status; the error is always nil.
func (d *Dispatcher) Connect(ctx context.Context, req *collector.ConnectRequest) (*collector.ConnectResponse, error) {
	return d.conns.HandleConnect(ctx, req)
}
