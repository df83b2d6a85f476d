package call

import (
	"context"
	"log/slog"
	"strings"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher/internal/authz"
	"github.com/collectiverpc/collective/internal/observe"
)

// Observer tells the recorder and the log of calls.
type Observer struct {
	Self     string
	Recorder *observe.Recorder
	Log      *slog.Logger
	Access   *authz.Authorizer // finds who calls
}

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
