package cli

import (
	"context"
	"errors"
	"io"
	"math"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/signals"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/terminal"
	"github.com/collectiverpc/collective/cmd/collector/internal/demo"
)

func demoCommand(streams terminal.Streams, out *render.Printer) *cobra.Command {
	var config demo.Config
	var noBrowser bool
	command := &cobra.Command{
		Use:   "demo",
		Short: "Run three linked collectors with traffic, kill one, watch it come back",
		Long: "Run three collectors as processes of their own, linked, on 127.0.0.1:50051 to 50053 (free ports if taken). Calls\n" +
			"are asked of collectors that do not have the method; each line says who ran it and on which way. One collector\n" +
			"is killed and restarted, and one method fails now and then on purpose. Everything is stopped and removed at the end.",
		Example: "  collector demo\n  collector demo --speed 2 --no-browser\n  collector demo --for 10s --json\n  collector demo --keep /tmp/demo     # look at the databases after it",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if streams.OutTerminal && !noBrowser && !out.Structured() {
				config.Opened = func(console string) { streams.Browse(console, out.Note) }
			}
			return runDemo(cmd.Context(), out, config)
		},
	}
	command.Flags().DurationVar(&config.For, "for", time.Minute, "how long to make calls")
	command.Flags().Float64Var(&config.Speed, "speed", 1, "tell the story so many times faster, in a part of that time")
	command.Flags().BoolVar(&noBrowser, "no-browser", false, "do not open the console in a browser (it is opened on a terminal only)")
	command.Flags().BoolVar(&config.InProcess, "in-process", false, "run the collectors inside this process; one is then cut off instead of killed")
	command.Flags().IntVar(&config.Port, "port", 50051, "where a listens, b and c on the two after it; 0 for free ports")
	command.Flags().Uint64Var(&config.Seed, "seed", 1, "which calls of ReserveStock fail on purpose")
	command.Flags().StringVar(&config.Keep, "keep", "", "directory for databases and logs, not removed")
	return command
}

func runDemo(ctx context.Context, out *render.Printer, config demo.Config) error {
	if err := checkDemo(config); err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return failure.Newf("finding this program: %v", err)
	}
	config.Program = program
	config.Lines, config.Notes = demoStreams(out)
	ctx, stop := signals.UntilLeft(ctx)
	defer stop()
	report, err := demo.Run(ctx, config)
	if err != nil {
		return demoFailure(ctx, err)
	}
	if err := showReport(out, report); err != nil {
		return err
	}
	if !report.OK() {
		return failure.Newf("the demo did not go as it should")
	}
	return nil
}

func checkDemo(config demo.Config) error {
	if !(config.Speed > 0) || math.IsInf(config.Speed, 0) { // NaN is a number to flags
		return failure.Usagef("--speed %v: want a number above 0, such as 2", config.Speed)
	}
	if config.Length() < demo.Shortest {
		return failure.Usagef("--for %v at --speed %v is a story of %v: want at least %v", config.For, config.Speed, config.Length(), demo.Shortest)
	}
	if config.Port < 0 || config.Port > 65533 {
		return failure.Usagef("--port %d: want 0, or a port with two more after it", config.Port)
	}
	return nil
}

// demoStreams are stdout for the calls, unless stdout is for the report, and stderr for the captions.
func demoStreams(out *render.Printer) (lines, notes io.Writer) {
	lines, notes = out.Out, out.Err
	if out.Structured() {
		lines = notes
	}
	if out.Options.Quiet {
		notes = io.Discard
		if out.Structured() {
			lines = io.Discard
		}
	}
	return lines, notes
}

func showReport(out *render.Printer, report *demo.Report) error {
	if out.Structured() {
		return out.Show(render.View{Document: report})
	}
	return report.Write(out.Out)
}

func demoFailure(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), signals.ErrReaderGone) {
		return failure.Canceled(failure.ExitReaderGone, signals.ErrReaderGone.Error())
	}
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return failure.Canceled(failure.ExitInterrupted, "interrupted; everything is stopped")
	}
	return failure.Newf("%v", err)
}
