package ingress

import (
	"log/slog"
	"strings"
)

// handshakeLog is what net/http has to say, most of it of clients that misbehave, for the log at debug level. Go verifies client
// certificates before anything of the collector is asked, and tells of those that it refuses here alone.
type handshakeLog struct {
	log     *slog.Logger
	refused func(remote string, outOfTime bool)
}

// The texts of net/http and of crypto/x509.
const (
	handshakeFailed  = "http: TLS handshake error from "
	notVerified      = "failed to verify certificate: "
	certificateTimes = "certificate has expired or is not yet valid"
)

// Write is called with a line at a time.
func (l *handshakeLog) Write(line []byte) (int, error) {
	text := strings.TrimSuffix(string(line), "\n")
	l.log.Debug(text)
	rest, failed := strings.CutPrefix(text, handshakeFailed)
	remote, why, _ := strings.Cut(rest, ": ")
	if failed && l.refused != nil && strings.Contains(why, notVerified) {
		l.refused(remote, strings.Contains(why, certificateTimes))
	}
	return len(line), nil
}
