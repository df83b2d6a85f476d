package cli

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// tapFlags select calls.
type tapFlags struct {
	namespace, method, collector, to string
	codes                            []string
	errors, once                     bool
	slower                           time.Duration
	last                             int32
}

func (a *app) tapCommand() *cobra.Command {
	var flags tapFlags
	command := &cobra.Command{
		Use:   "tap",
		Short: "Show calls as they finish, filtered by the collector",
		Long: "Show the last calls that a collector saw, and then each one as it finishes, until Ctrl-C. The collector filters\n" +
			"after the answer, so that the verdict can be a filter too. What was too fast to be sent is counted, not hidden.",
		Example: "  collector tap --errors\n  collector tap --ns orders --method CreateOrder --slower 10ms\n  collector tap --once -o json",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.tap(cmd.Context(), flags) },
	}
	flags.add(command.Flags())
	a.completeFlag(command, "ns", namespacesOf)
	a.completeFlag(command, "to", collectorIDs)
	a.completeFlag(command, "collector", collectorIDs)
	return command
}

func (f *tapFlags) add(set *pflag.FlagSet) {
	set.StringVar(&f.namespace, "ns", "", "only this namespace")
	set.StringVar(&f.method, "method", "", "only methods with this in their name")
	set.StringVar(&f.collector, "collector", "", "only calls that this collector was asked or ran")
	set.StringVar(&f.to, "to", "", "only calls that this collector ran")
	set.StringSliceVar(&f.codes, "code", nil, "only these verdicts, such as ok, not_found or unavailable")
	set.BoolVar(&f.errors, "errors", false, "only failures")
	set.DurationVar(&f.slower, "slower", 0, "only calls that took at least this long")
	set.Int32Var(&f.last, "last", 10, "how many calls of before to show first")
	set.BoolVar(&f.once, "once", false, "show those and end")
}

func (f *tapFlags) filter() *meshv1.DispatchFilter {
	return &meshv1.DispatchFilter{
		Namespace: f.namespace, Procedure: f.method, CollectorId: f.collector, Codes: f.codes, ErrorsOnly: f.errors,
		MinDurationNanos: f.slower.Nanoseconds(), ExecutorCollectorId: f.to,
	}
}

func (a *app) tap(ctx context.Context, flags tapFlags) error {
	var known *meshv1.ListDispatchesResponse
	err := a.withSession(ctx, func(ctx context.Context, s *session) (err error) {
		known, err = s.mesh.ListDispatches(ctx, &meshv1.ListDispatchesRequest{Filter: flags.filter(), Limit: max(flags.last, 1)})
		return err
	})
	if err != nil {
		return err
	}
	if flags.once {
		return a.show(a.callsView(known, newestLast(known)))
	}
	if flags.last > 0 {
		if err := a.showCalls(newestLast(known)); err != nil {
			return err
		}
	}
	return a.follow(ctx, flags)
}

func newestLast(res *meshv1.ListDispatchesResponse) []*meshv1.Dispatch {
	calls := slices.Clone(res.GetDispatches())
	slices.Reverse(calls)
	return calls
}

// follow shows calls until the user has seen enough.
func (a *app) follow(ctx context.Context, flags tapFlags) error {
	req := &meshv1.WatchRequest{
		Topics: []meshv1.WatchTopic{meshv1.WatchTopic_WATCH_TOPIC_DISPATCHES}, Filter: flags.filter(),
	}
	return a.watch(ctx, req, func(event *meshv1.WatchResponse) error {
		if lost := event.GetDropped().GetDispatches(); lost > 0 {
			a.note("# %d calls are not shown: more came than could be sent; filter them", lost)
		}
		return a.showCalls(event.GetDispatches().GetDispatches())
	})
}

// showCalls prints calls of a stream: lines of JSON, or lines of fixed columns, since later ones are not known yet.
func (a *app) showCalls(calls []*meshv1.Dispatch) error {
	for _, call := range calls {
		var err error
		if a.structured() {
			err = a.showLine(call)
		} else {
			err = a.print(a.callLine(call))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *app) callLine(call *meshv1.Dispatch) string {
	return a.streamLine(a.callRow(call), []int{12, 9, 44, 20, 9, 0}, 3)
}

func (a *app) callsView(document *meshv1.ListDispatchesResponse, calls []*meshv1.Dispatch) view {
	v := view{
		document: document,
		columns:  []column{{title: "TIME"}, {title: "FROM → TO"}, {title: "METHOD"}, {title: "VERDICT", state: true}, {title: "TOOK"}, {title: "WHY"}},
	}
	for _, call := range calls {
		v.items = append(v.items, call)
		v.rows = append(v.rows, a.callRow(call))
	}
	if len(calls) == 0 {
		v.notes = []string{"no calls yet, or none that match"}
	}
	return v
}

func (a *app) callRow(call *meshv1.Dispatch) []cell {
	way := call.GetSourceCollectorId()
	if to := call.GetExecutorCollectorId(); to != way {
		way += " → " + to
	}
	why := call.GetReason()
	if call.GetMessage() != "" {
		why = call.GetMessage()
	}
	at := call.GetStartedAt().AsTime()
	return []cell{
		{at.In(a.io.Now().Location()).Format("15:04:05.000"), at.Format(time.RFC3339Nano)}, text(way),
		text(trimSlash(call.GetProcedure())), text(call.GetCode()), span(call.GetDurationNanos()), text(why),
	}
}
