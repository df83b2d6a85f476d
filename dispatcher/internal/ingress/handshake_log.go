package ingress

import (
	"context"
	"log/slog"
	"strings"
)

// handshakeLog is what net/http has to say, most of it of clients that misbehave, for the log. Go verifies client certificates
// before anything of the collector is asked, and tells of those that it refuses here alone.
type handshakeLog struct {
	slog.Handler
	refused func(remote string, outOfTime bool)
}

// The texts of net/http and of crypto/x509.
const (
	handshakeFailed  = "http: TLS handshake error from "
	notVerified      = "failed to verify certificate: "
	certificateTimes = "certificate has expired or is not yet valid"
)

// Enabled has everything come by, whatever of it is logged.
func (l handshakeLog) Enabled(context.Context, slog.Level) bool { return true }

// Handle is called with a line at a time.
func (l handshakeLog) Handle(ctx context.Context, r slog.Record) error {
	rest, failed := strings.CutPrefix(r.Message, handshakeFailed)
	remote, why, _ := strings.Cut(rest, ": ")
	if failed && l.refused != nil && strings.Contains(why, notVerified) {
		l.refused(remote, strings.Contains(why, certificateTimes))
	}
	if !l.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return l.Handler.Handle(ctx, r)
}
