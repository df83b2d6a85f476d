package cli

import (
	"context"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// dispatchFlags are the flags of dispatch.
type dispatchFlags struct {
	data, target       string
	local, allowStatus bool
}

func (a *app) dispatchCommand() *cobra.Command {
	var flags dispatchFlags
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
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.dispatch(cmd.Context(), args[0], args[1], flags)
		},
	}
	set := command.Flags()
	set.StringVarP(&flags.data, "data", "d", "", "the input as JSON, @FILE, or - for stdin (default no input)")
	set.StringVar(&flags.target, "to", "", "target_collector_id")
	set.BoolVar(&flags.local, "local", false, "send Serve, which never forwards")
	set.BoolVar(&flags.allowStatus, "allow-status", false, "exit 0 also if the answer's status is a failure")
	command.MarkFlagsMutuallyExclusive("local", "to")
	a.completeFlag(command, "to", collectorIDs)
	return command
}

func (a *app) dispatch(ctx context.Context, namespace, name string, flags dispatchFlags) error {
	service, method, err := splitMethod(name)
	if err != nil {
		return err
	}
	metadata, err := a.headerMap()
	if err != nil {
		return err
	}
	return a.withSession(ctx, func(ctx context.Context, s *session) error {
		known, input, err := s.literalInput(ctx, flags.data)
		if err != nil {
			return err
		}
		ref := &collector.ServiceTypeRef{ServiceName: service}
		if flags.local {
			return s.literalServe(ctx, known, flags, &collector.ServeRequest{
				Namespace: namespace, Service: ref, MethodName: method, Input: input, ExecutionContext: metadata,
			})
		}
		return s.literalDispatch(ctx, known, flags, &collector.DispatchRequest{
			Namespace: namespace, Service: ref, MethodName: method, Input: input,
			TargetCollectorId: flags.target, RoutingHints: metadata,
		})
	})
}

func (s *session) literalServe(ctx context.Context, known *schema, flags dispatchFlags, req *collector.ServeRequest) error {
	res, err := s.dispatcher.Serve(ctx, req)
	if err != nil {
		return err
	}
	return s.showLiteral(known, flags, res, statusFailure(res.GetStatus(), []string{res.GetExecutorId()}))
}

func (s *session) literalDispatch(
	ctx context.Context, known *schema, flags dispatchFlags, req *collector.DispatchRequest,
) error {
	res, err := s.dispatcher.Dispatch(ctx, req)
	if err != nil {
		return err
	}
	return s.showLiteral(known, flags, res, statusFailure(res.GetStatus(), res.GetRoute()))
}

// literalInput packs the JSON of an Any. Types come from this binary and from every collector that tells its own; one
// that speaks the seed's protocol only tells none.
func (s *session) literalInput(ctx context.Context, data string) (*schema, *anypb.Any, error) {
	known, err := s.meshSchema(ctx)
	if err != nil {
		known, err = newSchema(new(descriptorpb.FileDescriptorSet))
	}
	if err != nil {
		return nil, nil, err
	}
	if data == "" {
		return known, nil, nil
	}
	content, err := s.app.readInput(data)
	if err != nil {
		return nil, nil, err
	}
	values, err := splitJSON(content)
	if err != nil {
		return nil, nil, err
	}
	if len(values) != 1 {
		return nil, nil, usagef("dispatch takes one input, -d has %d", len(values))
	}
	input, err := known.untypedInput(values[0])
	return known, input, err
}

func (s *session) showLiteral(known *schema, flags dispatchFlags, res proto.Message, failed error) error {
	data, err := known.messageJSON(res, true)
	if err != nil {
		return err
	}
	if s.app.format() == formatLines {
		err = s.app.showLine(data)
	} else {
		err = s.app.showJSON(data)
	}
	if err != nil || flags.allowStatus {
		return err
	}
	return failed
}

// meshSchema joins the schemas of the asked collector and its reachable peers. Where two differ, the first wins.
func (s *session) meshSchema(ctx context.Context) (*schema, error) {
	res, err := s.mesh.GetStatus(ctx, &meshv1.GetStatusRequest{})
	if err != nil {
		return nil, err
	}
	ids := []string{""}
	for _, peer := range res.GetPeers() {
		ids = append(ids, peer.GetCollectorId())
	}
	return s.joinedSchema(ctx, ids)
}
