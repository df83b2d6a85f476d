package serve

import (
	"log/slog"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
)

// logger writes to stderr, what is of the level or above.
func (f *Flags) logger(out *render.Printer, level *slog.LevelVar) *slog.Logger {
	_ = level.UnmarshalText([]byte(f.logLevel)) // it is one of them, as the format is
	options := &slog.HandlerOptions{Level: level}
	if f.logFormat == "text" || f.logFormat == "" && out.Terminal {
		return slog.New(slog.NewTextHandler(out.Err, options))
	}
	return slog.New(slog.NewJSONHandler(out.Err, options))
}
