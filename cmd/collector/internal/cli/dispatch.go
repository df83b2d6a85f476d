package cli

import (
	"context"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/call"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/completion"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/schema"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/terminal"
)

// dispatch sends the literal RPC.
type dispatch struct {
	streams     terminal.Streams
	out         *render.Printer
	data        string
	allowStatus bool
	call.Envelope
}

func dispatchCommand(
	streams terminal.Streams, out *render.Printer, target *remote.Target, complete *completion.Completer,
) *cobra.Command {
	d := &dispatch{streams: streams, out: out}
	command := &cobra.Command{
		Use:   "dispatch NAMESPACE SERVICE/METHOD",
		Short: "Send the literal Dispatch RPC, for tests; call is easier",
		Long: "Send the literal Dispatch RPC (Serve with --local) and print its whole answer: status, output, executor, route.\n" +
			"The input is the JSON of an Any, so it names its type; other JSON becomes a wrapper such as StringValue, which is\n" +
			"what the seed's untyped methods take.\n" +
			"Nothing is looked up first, so this also reaches collectors that speak the seed's protocol only.",
		Example: `  collector dispatch users UserService/GetUser -d '{"@type":"type.googleapis.com/shop.v1.GetUserRequest","id":"u-1"}'
  collector dispatch orders OrderService/CreateOrder -d '{"@type":"type.googleapis.com/shop.v1.CreateOrderRequest","sku":"tea","qty":2}'`,
		Args: takes(2, 2),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			d.Namespace = args[0]
			if d.Method, err = call.ParseMethod(args[1]); err != nil {
				return err
			}
			return target.Ask(cmd.Context(), d.run)
		},
	}
	set := command.Flags()
	set.StringVarP(&d.data, "data", "d", "", "the input as JSON, @FILE, or - for stdin (default no input)")
	set.StringVar(&d.Target, "to", "", "target_collector_id")
	set.BoolVar(&d.Local, "local", false, "send Serve, which never forwards")
	set.BoolVar(&d.allowStatus, "allow-status", false, "exit 0 also if the answer's status is a failure")
	command.MarkFlagsMutuallyExclusive("local", "to")
	complete.Flag(command, "to", completion.Collectors)
	return command
}

func (d *dispatch) run(ctx context.Context, s *remote.Session) error {
	known, err := s.MeshSchema(ctx)
	if err != nil { // a collector that speaks the seed's protocol only tells none
		known = schema.Empty()
	}
	if d.Input, err = d.input(known); err != nil {
		return err
	}
	reply, err := d.Send(ctx, s)
	if err != nil {
		return err
	}
	if err := d.show(known, reply); err != nil || d.allowStatus {
		return err
	}
	return reply.Answer.Failed
}

// input packs the JSON of an Any. Types come from this binary and from every collector that tells its own.
func (d *dispatch) input(known *schema.Set) (*anypb.Any, error) {
	if d.data == "" {
		return nil, nil //nolint:nilnil // no input
	}
	content, err := d.streams.ReadData(d.data)
	if err != nil {
		return nil, err
	}
	values, err := schema.SplitJSON(content)
	if err != nil {
		return nil, err
	}
	if len(values) != 1 {
		return nil, failure.Usagef("dispatch takes one input, -d has %d", len(values))
	}
	return known.UntypedInput(values[0])
}

func (d *dispatch) show(known *schema.Set, reply call.Reply) error {
	data, err := known.JSON(reply.Message, true)
	if err != nil {
		return err
	}
	if d.out.Format() == render.FormatLines {
		return d.out.ShowLine(data)
	}
	return d.out.ShowJSON(data)
}
