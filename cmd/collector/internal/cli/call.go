package cli

import (
	"cmp"
	"context"
	"time"

	"connectrpc.com/connect/v2"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/call"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/completion"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/terminal"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/words"
)

func callCommand(
	streams terminal.Streams, out *render.Printer, target *remote.Target, complete *completion.Completer,
) *cobra.Command {
	c := &caller{streams: streams, answers: answers{out: out}}
	var example bool
	command := &cobra.Command{
		Use:   "call SERVICE/METHOD",
		Short: "Call a method of the mesh with JSON",
		Long: "Call a method of the mesh with JSON. The collector that is asked finds who runs it; the last line, on stderr, says\n" +
			"who did and on which way. Streaming methods take several JSON values and print each answer as it arrives; they\n" +
			"are bounded by --timeout only if it is given.",
		Example: `  collector call shop.v1.OrderService/CreateOrder -d '{"sku":"tea","qty":2}'
  collector call OrderService/CreateOrder --example        # a request to start from
  collector call UserService/GetUser -d @request.json --to c
  collector call UserService/GetUser -d '{"id":"u-1"}' --format text
  collector call shop.v1.OrderService/WatchOrders          # streams until Ctrl-C`,
		Args:              takes(1, 1),
		ValidArgsFunction: complete.Args(completion.Methods),
		RunE: func(cmd *cobra.Command, args []string) error {
			method, err := call.ParseMethod(args[0])
			if err = cmp.Or(err, c.answers.check(example)); err != nil {
				return err
			}
			return target.Ask(cmd.Context(), func(ctx context.Context, s *remote.Session) error {
				planned, err := call.Plan(ctx, s, method, c.options)
				switch {
				case err != nil:
					return err
				case example:
					return printExample(out, planned)
				case !planned.Streaming():
					return c.unary(ctx, planned)
				case cmd.Flags().Changed("timeout"):
					return c.stream(ctx, planned)
				}
				return c.stream(cmd.Context(), planned)
			})
		},
	}
	set := command.Flags()
	set.StringVarP(&c.data, "data", "d", "{}", "the request as JSON, @FILE, or - for stdin")
	set.StringVar(&c.options.Namespace, "ns", "", "namespace (default the only one that has the service)")
	set.StringVar(&c.options.Target, "to", "", "collector to run on (default the router's choice)")
	set.StringVar(&c.answers.format, "format", answerJSON, "answers as json, or as text: the text format of protobuf")
	set.BoolVarP(&c.answers.headers, "include", "i", false, "show headers and trailers of the answer on stderr")
	set.BoolVar(&example, "example", false, "print a request to start from, call nothing")
	set.BoolVar(&c.answers.defaults, "emit-defaults", false, "print fields that have their default value too")
	set.BoolVar(&c.answers.allowStatus, "allow-status", false, "exit 0 also if the answer's status is a failure")
	set.BoolVar(&c.options.Local, "local", false, "run on the asked collector or not at all")
	command.MarkFlagsMutuallyExclusive("local", "to")
	complete.Flag(command, "ns", completion.Namespaces)
	complete.Flag(command, "to", completion.Collectors)
	completion.Words(command, "format", answerJSON, answerText)
	return command
}

// caller makes a call, prints what comes back, and fails as the method did.
type caller struct {
	streams terminal.Streams
	data    string // -d
	options call.Options
	answers answers
}

func (c *caller) unary(ctx context.Context, planned *call.Call) error {
	data, err := c.streams.ReadData(c.data)
	if err != nil {
		return err
	}
	input, err := planned.Message(data)
	if err != nil {
		return err
	}
	ctx, info := connect.NewClientContext(ctx)
	start := time.Now()
	answer, err := planned.Ask(ctx, input)
	took := time.Since(start)
	c.answers.showHeaders(info)
	if err != nil {
		return err
	}
	if answer.Output != nil {
		if err := c.answers.show(planned.Schema, answer.Output, false); err != nil {
			return err
		}
	}
	return c.answers.end(answer, nil, words.Duration(took))
}

// stream sends every JSON value of -d and prints every answer on a line of its own as it arrives.
func (c *caller) stream(ctx context.Context, planned *call.Call) error {
	data, err := c.streams.ReadData(c.data)
	if err != nil {
		return err
	}
	inputs, err := planned.Messages(data)
	if err != nil {
		return err
	}
	ctx, info := connect.NewClientContext(ctx)
	start := time.Now()
	received, answer, err := planned.Stream(ctx, inputs, func(message proto.Message) error {
		return c.answers.show(planned.Schema, message, true)
	})
	c.answers.showHeaders(info)
	return c.answers.end(answer, err, words.Plural(received, "message"), words.Duration(time.Since(start)))
}

// printExample prints a request with every field set.
func printExample(out *render.Printer, planned *call.Call) error {
	data, err := planned.Example()
	if err != nil {
		return err
	}
	return out.ShowJSON(data)
}
