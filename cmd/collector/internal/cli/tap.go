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

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/completion"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/views"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/status"
)

// tapFlags select calls.
type tapFlags struct {
	namespace, method, collector, from, to, caller string
	status                                         []string
	errors, once                                   bool
	slower, since                                  time.Duration
	last                                           int32
}

func tapCommand(out *render.Printer, target *remote.Target, complete *completion.Completer) *cobra.Command {
	var flags tapFlags
	command := &cobra.Command{
		Use:   "tap",
		Short: "Show calls as they finish, filtered by the collector",
		Long: "Show the last calls that a collector saw, and then each one as it finishes, until Ctrl-C. The collector filters\n" +
			"after the answer, so that the verdict can be a filter too. What was too fast to be sent is counted, not hidden.",
		Example: "  collector tap --errors\n  collector tap --ns orders --method CreateOrder --slower 10ms\n  collector tap --status not_found,503\n  collector tap --once -o json",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return tap{out, target}.run(cmd.Context(), flags) },
	}
	flags.add(command.Flags())
	complete.Flag(command, "ns", completion.Namespaces)
	complete.Flag(command, "from", completion.Collectors)
	complete.Flag(command, "to", completion.Collectors)
	completion.Words(command, "status", verdictWords()...)
	complete.Flag(command, "collector", completion.Collectors)
	return command
}

func (f *tapFlags) add(set *pflag.FlagSet) {
	set.StringVar(&f.namespace, "ns", "", "only this namespace")
	set.StringVar(&f.method, "method", "", "only methods with this in their name")
	set.StringVar(&f.collector, "collector", "", "only calls that this collector was asked or ran")
	set.StringVar(&f.from, "from", "", "only calls that entered the mesh at this collector")
	set.StringVar(&f.to, "to", "", "only calls that this collector ran")
	set.StringVar(&f.caller, "caller", "", "only calls of this principal, as User::\"alice\"")
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
		MinDurationNanos: f.slower.Nanoseconds(), SourceCollectorId: f.from, ExecutorCollectorId: f.to, Principal: f.caller,
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
			word = status.Code(int32(number)).String()
		case !slices.Contains(verdictWords(), word):
			return nil, failure.Usagef("--status %s is unknown: want %s, or a number such as 404", word, strings.Join(verdictWords(), ", "))
		}
		codes = append(codes, word)
	}
	return codes, nil
}

func (f *tapFlags) check() error {
	switch {
	case f.last < 0:
		return failure.Usagef("--last %d: want 0 for none, or a number of calls", f.last)
	case f.since < 0:
		return failure.Usagef("--since %v: want 0 for no bound, or a duration such as 10m", f.since)
	case f.slower < 0:
		return failure.Usagef("--slower %v: want 0 for all, or a duration such as 10ms", f.slower)
	}
	return nil
}

// tap shows finished calls of a collector.
type tap struct {
	out    *render.Printer
	target *remote.Target
}

func (t tap) run(ctx context.Context, flags tapFlags) error {
	filter, err := flags.filter()
	if err != nil {
		return err
	}
	if err := flags.check(); err != nil {
		return err
	}
	req := &meshv1.ListDispatchesRequest{Filter: filter, Limit: max(flags.last, 1)}
	if flags.since > 0 {
		req.From = timestamppb.New(t.out.Now().Add(-flags.since))
	}
	var known *meshv1.ListDispatchesResponse
	err = t.target.Ask(ctx, func(ctx context.Context, s *remote.Session) (err error) {
		known, err = s.Mesh.ListDispatches(ctx, req)
		return err
	})
	if err != nil {
		return err
	}
	if flags.once {
		return t.out.Show(t.view(known))
	}
	if flags.last > 0 {
		if err := t.show(newestLast(known)); err != nil {
			return err
		}
	}
	return t.follow(ctx, filter, known.GetLastSeq())
}

func newestLast(res *meshv1.ListDispatchesResponse) []*meshv1.Dispatch {
	calls := slices.Clone(res.GetDispatches())
	slices.Reverse(calls)
	return calls
}

func (t tap) view(known *meshv1.ListDispatchesResponse) render.View {
	v := views.Calls(t.out, newestLast(known))
	v.Document = known
	if len(v.Rows) == 0 {
		v.Notes = []string{"no calls yet, or none that match"}
	}
	return v
}

// follow shows the calls after the one with a number, until the user has seen enough.
func (t tap) follow(ctx context.Context, filter *meshv1.DispatchFilter, after uint64) error {
	req := &meshv1.WatchRequest{
		Topics: []meshv1.WatchTopic{meshv1.WatchTopic_WATCH_TOPIC_DISPATCHES}, Filter: filter, SinceSeq: after,
	}
	return t.target.Watch(ctx, req, func(event *meshv1.WatchResponse) error {
		if lost := event.GetDropped().GetDispatches(); lost > 0 {
			t.out.Note("# %d calls are not shown: more came than could be sent; filter them", lost)
		}
		return t.show(event.GetDispatches().GetDispatches())
	})
}

// show prints calls of a stream: later ones are not known yet.
func (t tap) show(calls []*meshv1.Dispatch) error {
	for _, call := range calls {
		err := t.out.StreamRow(call, views.CallColumns(), views.CallRow(t.out, call), []int{12, 9, 44, 20, 9, 0})
		if err != nil {
			return err
		}
	}
	return nil
}
