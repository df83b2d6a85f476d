package cli

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"connectrpc.com/connect/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"google.golang.org/protobuf/types/known/timestamppb"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// tapFlags select calls.
type tapFlags struct {
	namespace, method, collector, from, to string
	status                                 []string
	errors, once                           bool
	slower, since                          time.Duration
	last                                   int32
}

func (a *app) tapCommand() *cobra.Command {
	var flags tapFlags
	command := &cobra.Command{
		Use:   "tap",
		Short: "Show calls as they finish, filtered by the collector",
		Long: "Show the last calls that a collector saw, and then each one as it finishes, until Ctrl-C. The collector filters\n" +
			"after the answer, so that the verdict can be a filter too. What was too fast to be sent is counted, not hidden.",
		Example: "  collector tap --errors\n  collector tap --ns orders --method CreateOrder --slower 10ms\n  collector tap --status not_found,503\n  collector tap --once -o json",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.tap(cmd.Context(), flags) },
	}
	flags.add(command.Flags())
	a.completeFlag(command, "ns", namespacesOf)
	a.completeFlag(command, "from", collectorIDs)
	a.completeFlag(command, "to", collectorIDs)
	completeWords(command, "status", verdictWords()...)
	a.completeFlag(command, "collector", collectorIDs)
	return command
}

func (f *tapFlags) add(set *pflag.FlagSet) {
	set.StringVar(&f.namespace, "ns", "", "only this namespace")
	set.StringVar(&f.method, "method", "", "only methods with this in their name")
	set.StringVar(&f.collector, "collector", "", "only calls that this collector was asked or ran")
	set.StringVar(&f.from, "from", "", "only calls that entered the mesh at this collector")
	set.StringVar(&f.to, "to", "", "only calls that this collector ran")
	set.StringSliceVar(&f.status, "status", nil, "only these verdicts: ok, not_found, unavailable … or as a Status has them, 404")
	set.BoolVar(&f.errors, "errors", false, "only failures")
	set.DurationVar(&f.slower, "slower", 0, "only calls that took at least this long")
	set.Int32Var(&f.last, "last", 10, "how many calls of before to show first")
	set.DurationVar(&f.since, "since", 0, "of those only what began within this time; 0 for no bound")
	set.BoolVar(&f.once, "once", false, "show those and end")
}

func (f *tapFlags) filter() (*meshv1.DispatchFilter, error) {
	codes, err := verdicts(f.status)
	return &meshv1.DispatchFilter{
		Namespace: f.namespace, Procedure: f.method, CollectorId: f.collector, Codes: codes, ErrorsOnly: f.errors,
		MinDurationNanos: f.slower.Nanoseconds(), SourceCollectorId: f.from, ExecutorCollectorId: f.to,
	}, err
}

// verdictWords are the code names that a finished call can have.
func verdictWords() []string {
	words := []string{"ok"}
	for code := connect.CodeCanceled; code <= connect.CodeUnauthenticated; code++ {
		words = append(words, code.String())
	}
	return words
}

// verdicts reads code names, and numbers as a Status has them.
func verdicts(words []string) (codes []string, err error) {
	for _, word := range words {
		number, failed := strconv.ParseInt(word, 10, 32)
		switch {
		case failed == nil && number == http.StatusOK:
			word = "ok"
		case failed == nil:
			word = codeOfStatus(int32(number)).String()
		case !slices.Contains(verdictWords(), word):
			return nil, usagef("--status %s is unknown: want %s, or a number such as 404", word, strings.Join(verdictWords(), ", "))
		}
		codes = append(codes, word)
	}
	return codes, nil
}

func (a *app) tap(ctx context.Context, flags tapFlags) error {
	filter, err := flags.filter()
	if err != nil {
		return err
	}
	switch {
	case flags.last < 0:
		return usagef("--last %d: want 0 for none, or a number of calls", flags.last)
	case flags.since < 0:
		return usagef("--since %v: want 0 for no bound, or a duration such as 10m", flags.since)
	case flags.slower < 0:
		return usagef("--slower %v: want 0 for all, or a duration such as 10ms", flags.slower)
	}
	req := &meshv1.ListDispatchesRequest{Filter: filter, Limit: max(flags.last, 1)}
	if flags.since > 0 {
		req.From = timestamppb.New(a.io.Now().Add(-flags.since))
	}
	var known *meshv1.ListDispatchesResponse
	err = a.withSession(ctx, func(ctx context.Context, s *session) (err error) {
		known, err = s.mesh.ListDispatches(ctx, req)
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
	return a.follow(ctx, filter, known.GetLastSeq())
}

func newestLast(res *meshv1.ListDispatchesResponse) []*meshv1.Dispatch {
	calls := slices.Clone(res.GetDispatches())
	slices.Reverse(calls)
	return calls
}

// follow shows the calls after the one with a number, until the user has seen enough.
func (a *app) follow(ctx context.Context, filter *meshv1.DispatchFilter, after uint64) error {
	req := &meshv1.WatchRequest{
		Topics: []meshv1.WatchTopic{meshv1.WatchTopic_WATCH_TOPIC_DISPATCHES}, Filter: filter, SinceSeq: after,
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
	return a.streamLine(callColumns(), a.callRow(call), []int{12, 9, 44, 20, 9, 0})
}

func (a *app) callsView(document *meshv1.ListDispatchesResponse, calls []*meshv1.Dispatch) view {
	v := view{
		document: document,
		columns:  callColumns(),
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

func callColumns() []column {
	return []column{{title: "TIME"}, {title: "FROM → TO"}, {title: "METHOD", name: true}, {title: "VERDICT", state: true}, {title: "TOOK"}, {title: "WHY"}}
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
