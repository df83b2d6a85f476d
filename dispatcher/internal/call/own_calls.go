package call

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	"github.com/collectiverpc/collective/internal/observe"
	"github.com/collectiverpc/collective/mesh"
)

// own is the entrance, in the log, of calls of the collector's own services.
const own observe.Entrance = "own"

// LogOwn logs the calls of the collector's own services, which are no calls of the mesh, and records those that a policy has
// refused, as the port does with what it refuses before. Those that bring a call of the mesh are told as that.
func (o *Observer) LogOwn(next connect.ServerFunc) connect.ServerFunc {
	return func(ctx context.Context, spec connect.Spec, stream connect.ServerStream) error {
		if isEnvelope(spec.Procedure) {
			return next(ctx, spec, stream)
		}
		start := time.Now()
		err := next(ctx, spec, stream)
		if refused, ok := errors.AsType[*refusal.Refusal](err); ok && refused.Inside != "" {
			o.Refused(ctx, CallerOf(ctx), "", spec.Procedure, mesh.NewRoute(o.Self), err)
			return err
		}
		if !o.Log.Enabled(ctx, slog.LevelDebug) {
			return err
		}
		c := &observe.Call{Entrance: own, Procedure: spec.Procedure, Executor: o.Self, Code: observe.OK, Duration: time.Since(start)}
		if err != nil {
			c.Code = refusal.VerdictOf(err).Code().String()
		}
		o.logged(c, CallerOf(ctx))
		return err
	}
}

// Refused records a request that was refused before it was a call: from is the address it came from, ctx has its caller as far as
// that is known, and route is where it got.
func (o *Observer) Refused(ctx context.Context, from, namespace, procedure string, route *mesh.Route, err error) {
	seen := o.Observe(observe.Native, namespace, procedure)
	seen.Caller = from
	if caller, ok := access.CallerFromContext(ctx); ok {
		seen.By(caller)
	}
	seen.End(route, err)
}

// isEnvelope knows the RPCs of the seed's protocol that bring a call of the mesh.
func isEnvelope(procedure string) bool {
	return procedure == collectorconnect.CollectiveDispatcherDispatchProcedure || procedure == collectorconnect.CollectiveDispatcherServeProcedure
}
