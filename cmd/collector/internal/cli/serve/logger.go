package serve

import (
	"log/slog"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
)

// logger writes to stderr, what is of the level or above.
func (f *Flags) logger(out *render.Printer, level *slog.LevelVar) (*slog.Logger, error) {
	if err := level.UnmarshalText([]byte(f.logLevel)); err != nil {
		return nil, failure.Usagef("--log-level %s: want debug, info, warn or error", f.logLevel)
	}
	options := &slog.HandlerOptions{Level: level}
	format := f.logFormat
	if format == "" && out.Terminal {
		format = "text"
	}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(out.Err, options)), nil
	case "", "json":
		return slog.New(slog.NewJSONHandler(out.Err, options)), nil
	}
	return nil, failure.Usagef("--log-format %s: want text or json", format)
}
