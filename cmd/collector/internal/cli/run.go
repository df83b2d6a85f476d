package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/terminal"
)

// Main runs the command line and returns the exit code. When ctx is done, as a first Ctrl-C makes it, commands stop;
// `serve` then drains.
func Main(ctx context.Context, streams terminal.Streams, args []string) int {
	s := newSettings(streams)
	root := newRoot(s)
	root.SetArgs(args)
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		return failure.ExitOK
	}
	f := asFailure(ctx, command, err)
	switch {
	case f.Exit == failure.ExitReaderGone: // without a word, as SIGPIPE ends a program
	case s.out.Options.JSON || wantsJSON(args):
		render.WriteFailureJSON(streams.Err, f)
	default:
		render.WriteFailure(streams.Err, f)
	}
	return f.Exit
}

// asFailure makes a failure of any error. What is none yet comes from cobra, so it is about usage.
func asFailure(ctx context.Context, command *cobra.Command, err error) *failure.Error {
	if f, ok := failure.As(err); ok {
		return f
	}
	if ctx.Err() != nil {
		return failure.Canceled(failure.ExitInterrupted, "interrupted")
	}
	what, rest, _ := strings.Cut(err.Error(), "\n")
	f := failure.Usagef("%s", what)
	if strings.Contains(what, "missing unit in duration") {
		f.Hint("a duration has its unit: 500ms, 10s, 2m")
	}
	for line := range strings.Lines(rest) { // cobra's suggestions, if it has any
		if line = strings.TrimSpace(line); line != "" {
			f.Hint(line)
		}
	}
	return f.Hint(command.CommandPath() + " --help")
}

// wantsJSON tells it from the bare arguments, for errors in the arguments themselves.
func wantsJSON(args []string) bool {
	if end := slices.Index(args, "--"); end >= 0 {
		args = args[:end]
	}
	return slices.ContainsFunc([]string{"--json", "-ojson", "--output=json", "-o=json"}, func(spelling string) bool {
		return slices.Contains(args, spelling)
	}) || hasPair(args, "-o", render.FormatJSON) || hasPair(args, "--output", render.FormatJSON)
}

func hasPair(args []string, flag, value string) bool {
	i := slices.Index(args, flag)
	return i >= 0 && i+1 < len(args) && args[i+1] == value
}
