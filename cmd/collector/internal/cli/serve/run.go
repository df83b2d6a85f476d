package serve

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/config"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/signals"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/terminal"
	"github.com/collectiverpc/collective/cmd/collector/internal/host"
)

// Serve runs a collector for the command line.
type Serve struct {
	Streams terminal.Streams
	Out     *render.Printer
	// Target is how the user asks collectors: its certificates are for those that are dialled.
	Target  *remote.Target
	Version string
	// List shows the connections of a collector.
	List func(ctx context.Context, out *render.Printer, target *remote.Target) error
}

// Run runs a collector until ctx is done, and then drains it. The flags are as source has set them.
func (s *Serve) Run(ctx context.Context, flags *Flags, source *config.Source) error {
	level := new(slog.LevelVar)
	keys := s.newHotkeys(flags, level)
	config, closing, err := s.config(flags, level)
	defer closing()
	if err != nil {
		return placed(err, source)
	}
	defer follow(ctx, source, &config, level)()
	defer signals.Endure(config.Logger, config.Reload.Reload)()
	if flags.untilEOF {
		ctx = untilEOF(ctx, s.Streams.In)
	}
	ctx, stop := context.WithCancel(ctx)
	err = host.Run(ctx, config, func(ready host.Ready) {
		announce(s.Out, ready)
		keys.hear(ctx, ready)
	})
	stop()
	keys.wait()
	return placed(asFailure(err), source)
}

// config is what the flags ask for. closing ends what it follows, whatever the error.
func (s *Serve) config(flags *Flags, level *slog.LevelVar) (config host.Config, closing func(), err error) {
	closing = func() {}
	logger := flags.logger(s.Out, level)
	dialing := s.Target.Certificates
	if err := flags.usePKI(&dialing); err != nil {
		return host.Config{}, closing, err
	}
	if config, err = flags.config(dialing); err != nil {
		return host.Config{}, closing, err
	}
	config.Logger, config.Version = logger, s.Version
	unfollow, err := flags.follow(&config, dialing, logger)
	if err != nil {
		return config, unfollow, err
	}
	guard, forget, err := flags.callers.Guard(flags.trustDomain, logger)
	config.Access = guard
	return config, func() { unfollow(); forget() }, err
}

// newHotkeys is nil where serve may not take the keys: without a terminal, and in the background of a shell. Otherwise
// everything that is printed from now on can be read while the terminal is in raw mode.
func (s *Serve) newHotkeys(flags *Flags, level *slog.LevelVar) *hotkeys {
	if !s.Streams.OutTerminal || s.Streams.Raw == nil || s.Out.Structured() || s.Out.Options.Quiet || flags.untilEOF ||
		!terminal.InForeground() {
		return nil
	}
	h := &hotkeys{streams: s.Streams, level: level}
	s.Out.Out, s.Out.Err = terminal.RawWriter{Writer: s.Out.Out, Raw: &h.raw}, terminal.RawWriter{Writer: s.Out.Err, Raw: &h.raw}
	out, target := *s.Out, *s.Target
	out.Options.Output = render.FormatTable
	h.out = &out
	h.list = func(ctx context.Context, url string) error {
		target.Server, target.Insecure = url, true // it is this process
		return s.List(ctx, &out, &target)
	}
	return h
}

// untilEOF returns a context that also ends with the input. The goroutine ends with the process: nothing can interrupt
// a read of stdin.
func untilEOF(ctx context.Context, in io.Reader) context.Context {
	ctx, stop := context.WithCancel(ctx)
	go func() {
		defer stop()
		_, _ = io.Copy(io.Discard, in)
	}()
	return ctx
}

// asFailure makes a usage failure of a configuration that will not be run.
func asFailure(err error) error {
	if err == nil {
		return nil
	}
	if refused, ok := host.IsRefused(err); ok {
		return failure.Usagef("%s", refused.What).Hint(refused.Hint...)
	}
	if f, ok := failure.As(err); ok {
		return f
	}
	return failure.Newf("%v", err)
}

// placed says of the flags that a failure names where those are set that are not on the command line.
func placed(err error, source *config.Source) error {
	f, ok := failure.As(err)
	if !ok {
		return err
	}
	for _, setting := range source.Settings {
		if from := setting.Origin; from != config.OfDefault && from != config.OfCommandLine && names(f.What, setting.Flag()) {
			f.Because(setting.Flag() + " is set by " + from)
		}
	}
	return f
}

// names reports whether a text has a word, and not only as the beginning of another one.
func names(text, word string) bool {
	return slices.ContainsFunc(strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" ,:;'\"", r) }),
		func(field string) bool { return field == word })
}
