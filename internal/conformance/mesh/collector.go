package mesh

import (
	"context"
	"crypto/tls"
	"errors"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/internal/meshtest"
)

// Namespace is where everything is registered.
const Namespace = "conformance"

// Limits let a collector behave as a server without limits of its own does: no time is added to a call or taken from
// it, and requests are bounded only if the suite asks for it, with receiveLimit > 0.
func Limits(receiveLimit int) dispatcher.Limits {
	return dispatcher.Limits{DefaultTimeout: -1, MaxTimeout: -1, RequestBytes: receiveLimit, CompressionRatio: -1}
}

// Start starts a collector with what register registers in it, if not nil. Clients must use TLS if config is not nil.
func Start(
	id string, limits dispatcher.Limits, config *tls.Config, register func(*dispatcher.Dispatcher) error,
) (*meshtest.Collector, error) {
	c, err := meshtest.Start(id, []string{Namespace}, config, dispatcher.WithLimits(limits))
	if err != nil || register == nil {
		return c, err
	}
	if err := register(c.Dispatcher); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

// Join connects a collector to the one at address and waits until it knows that procedure is served there.
func Join(ctx context.Context, d *dispatcher.Dispatcher, address, procedure string) error {
	return meshtest.Join(ctx, d, address, Namespace, procedure)
}
