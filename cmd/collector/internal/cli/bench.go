package cli

import (
	"context"
	"time"

	"connectrpc.com/connect/v2"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/bench"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/call"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/completion"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/terminal"
)

// benchmark is one bench.
type benchmark struct {
	streams         terminal.Streams
	out             *render.Printer
	target          *remote.Target
	data            string
	options         call.Options
	load            bench.Load
	csv, noProgress bool
}

func benchCommand(
	streams terminal.Streams, out *render.Printer, target *remote.Target, complete *completion.Completer,
) *cobra.Command {
	b := &benchmark{streams: streams, out: out, target: target}
	command := &cobra.Command{
		Use:   "bench SERVICE/METHOD",
		Short: "Call a unary method many times and show rate and latencies",
		Long: "Call a unary method many times over, from several callers at once, and show the rate, the errors and the latencies.\n" +
			"It really calls: choose a method that may be called often. Exits 1 if a call failed.",
		Example: "  collector bench UserService/GetUser -d '{\"id\":\"u-1\"}' -n 20000 -c 32\n" +
			"  collector bench UserService/ListUsers --for 10s --csv",
		Args:              takes(1, 1),
		ValidArgsFunction: complete.Args(completion.Methods),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("calls") && cmd.Flags().Changed("for") {
				return failure.Usagef("--calls and --for exclude each other: how many, or how long")
			}
			if cmd.Flags().Changed("for") && b.load.Duration <= 0 {
				return failure.Usagef("--for %v: want a positive duration such as 10s", b.load.Duration)
			}
			return b.run(cmd.Context(), args[0])
		},
	}
	set := command.Flags()
	set.StringVarP(&b.data, "data", "d", "{}", "the request as JSON, @FILE, or - for stdin")
	set.StringVar(&b.options.Namespace, "ns", "", "namespace (default the only one that has the service)")
	set.StringVar(&b.options.Target, "to", "", "collector to run on (default the router's choice)")
	set.IntVarP(&b.load.Calls, "calls", "n", 10_000, "how many calls")
	set.DurationVar(&b.load.Duration, "for", time.Duration(0), "how long, instead of how many")
	set.IntVarP(&b.load.Callers, "callers", "c", 16, "how many calls at once")
	set.BoolVar(&b.csv, "csv", false, "print one line of comma-separated values, after one with their names")
	set.BoolVar(&b.noProgress, "no-progress", false, "do not say how far it is")
	complete.Flag(command, "ns", completion.Namespaces)
	complete.Flag(command, "to", completion.Collectors)
	return command
}

func (b *benchmark) run(ctx context.Context, name string) error {
	method, err := call.ParseMethod(name)
	if err != nil {
		return err
	}
	if err := b.load.Check(); err != nil {
		return err
	}
	if b.csv && b.out.Structured() {
		return failure.Usagef("--csv and -o %s exclude each other", b.out.Format())
	}
	s, err := b.target.Open()
	if err != nil {
		return err
	}
	defer s.Close()
	c, input, err := b.plan(ctx, s, method)
	if err != nil {
		return s.Explain(ctx, err)
	}
	b.load.Call = func(ctx context.Context) error { return b.one(ctx, s, c, input) }
	if !b.noProgress {
		b.load.Progress = func(line string) { b.out.Note("# %s", line) }
	}
	return b.show(ctx, b.load.Run(ctx))
}

// plan finds out what is called, and with what.
func (b *benchmark) plan(ctx context.Context, s *remote.Session, method call.Method) (*call.Call, proto.Message, error) {
	ctx, cancel := b.target.Limited(ctx)
	defer cancel()
	c, err := call.Plan(ctx, s, method, b.options)
	if err != nil {
		return nil, nil, err
	}
	if c.Streaming() {
		return nil, nil, failure.Usagef("%s/%s streams: bench calls unary methods", method.Service, method.Name)
	}
	data, err := b.streams.ReadData(b.data)
	if err != nil {
		return nil, nil, err
	}
	input, err := c.Message(data)
	return c, input, err
}

func (b *benchmark) one(ctx context.Context, s *remote.Session, c *call.Call, input proto.Message) error {
	ctx, cancel := b.target.Limited(ctx)
	defer cancel()
	ctx, _ = connect.NewClientContext(ctx)
	answer, err := c.Ask(ctx, input)
	if err != nil {
		return s.Explain(context.WithoutCancel(ctx), err)
	}
	return answer.Failed
}

func (b *benchmark) show(ctx context.Context, r bench.Result) error {
	if r.Calls == 0 && ctx.Err() != nil {
		return failure.Canceled(failure.ExitInterrupted, "interrupted before a call was finished")
	}
	show := func() error { return b.out.Show(r.View()) }
	if b.csv {
		show = func() error { return b.out.Print(r.CSV()) }
	}
	if err := show(); err != nil {
		return err
	}
	return r.Failure()
}
