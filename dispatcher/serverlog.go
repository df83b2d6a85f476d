package dispatcher

import (
	"log"
	"log/slog"
)

// serverLog sends what net/http has to say, mostly of clients that misbehave, to a structured logger.
func serverLog(logger *slog.Logger) *log.Logger {
	return slog.NewLogLogger(logger.Handler(), slog.LevelDebug)
}
