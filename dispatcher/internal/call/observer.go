package call

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/dispatcher/internal/authz"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	"github.com/collectiverpc/collective/internal/observe"
	"github.com/collectiverpc/collective/mesh"
)

// Observer tells the recorder and the log of calls.
type Observer struct {
	Self     string
	Recorder *observe.Recorder
	Log      *slog.Logger
	Access   *authz.Authorizer // finds who calls
}

// own is the entrance, in the log, of calls of the collector's own services.
const own observe.Entrance = "own"

// maxLoggedName bounds names in the log, which may be whatever a caller made up.
const maxLoggedName = 256

// logged tells of a finished call in one line at debug level: what was called, where it came from and ran, and how it
// went. It tells no message, no header and no text of an error: who reads the log need not be who may know these. When
// the level is off, and it may change at any time, it allocates nothing.
func (o *Observer) logged(c *observe.Call, caller string) {
	ctx := context.Background()
	if !o.Log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attrs := []slog.Attr{
		slog.String("procedure", loggedName(c.Procedure)), slog.String("namespace", loggedName(c.Namespace)),
		slog.String("entrance", string(c.Entrance)), slog.String("caller", caller), slog.String("executor", c.Executor),
		slog.String("code", c.Code), slog.Duration("duration", c.Duration),
	}
	if c.Reason != "" {
		attrs = append(attrs, slog.String("reason", c.Reason))
	}
	o.Log.LogAttrs(ctx, slog.LevelDebug, "call", attrs...)
}

// loggedName is a name that cannot break the log: bounded, and text.
func loggedName(name string) string {
	if len(name) > maxLoggedName {
		name = name[:maxLoggedName] + "…"
	}
	return strings.ToValidUTF8(name, "\uFFFD")
}

// CallerOf is the address from which the call of a context came; empty within this process.
func CallerOf(ctx context.Context) string {
	if info, ok := connect.CallInfoForServerContext(ctx); ok {
		return info.PeerAddr
	}
	return ""
}

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
			o.denied(ctx, spec.Procedure, err)
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

// denied records a call of an own service that a policy has refused when its message was there.
func (o *Observer) denied(ctx context.Context, procedure string, err error) {
	seen := o.Observe(observe.Native, "", procedure)
	seen.Caller = CallerOf(ctx)
	if caller, ok := access.CallerFromContext(ctx); ok {
		seen.By(caller)
	}
	seen.End(mesh.NewRoute(o.Self), err)
}

// isEnvelope knows the RPCs of the seed's protocol that bring a call of the mesh.
func isEnvelope(procedure string) bool {
	return procedure == collectorconnect.CollectiveDispatcherDispatchProcedure || procedure == collectorconnect.CollectiveDispatcherServeProcedure
}
