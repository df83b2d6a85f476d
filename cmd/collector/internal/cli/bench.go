package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect/v2"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"
)

// Bounds of bench, which keeps one latency for each call.
const (
	maxBenchCalls   = 10_000_000
	maxBenchCallers = 4096
)

// benchFlags are the flags of bench.
type benchFlags struct {
	call       callFlags
	calls      int
	duration   time.Duration
	callers    int
	csv        bool
	noProgress bool
}

func (a *app) benchCommand() *cobra.Command {
	var flags benchFlags
	command := &cobra.Command{
		Use:   "bench SERVICE/METHOD",
		Short: "Call a unary method many times and show rate and latencies",
		Long: "Call a unary method many times over, from several callers at once, and show the rate, the errors and the latencies.\n" +
			"It really calls: choose a method that may be called often. Exits 1 if a call failed.",
		Example: "  collector bench UserService/GetUser -d '{\"id\":\"u-1\"}' -n 20000 -c 32\n" +
			"  collector bench UserService/ListUsers --for 10s --csv",
		Args:              takes(1, 1),
		ValidArgsFunction: a.completeMethods,
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("calls") && cmd.Flags().Changed("for") {
				return usagef("--calls and --for exclude each other: how many, or how long")
			}
			if cmd.Flags().Changed("for") && flags.duration <= 0 {
				return usagef("--for %v: want a positive duration such as 10s", flags.duration)
			}
			return a.bench(cmd.Context(), args[0], flags)
		},
	}
	set := command.Flags()
	set.StringVarP(&flags.call.data, "data", "d", "{}", "the request as JSON, @FILE, or - for stdin")
	set.StringVar(&flags.call.namespace, "ns", "", "namespace (default the only one that has the service)")
	set.StringVar(&flags.call.target, "to", "", "collector to run on (default the router's choice)")
	set.IntVarP(&flags.calls, "calls", "n", 10_000, "how many calls")
	set.DurationVar(&flags.duration, "for", 0, "how long, instead of how many")
	set.IntVarP(&flags.callers, "callers", "c", 16, "how many calls at once")
	set.BoolVar(&flags.csv, "csv", false, "print one line of comma-separated values, after one with their names")
	set.BoolVar(&flags.noProgress, "no-progress", false, "do not say how far it is")
	a.completeFlag(command, "ns", namespacesOf)
	a.completeFlag(command, "to", collectorIDs)
	return command
}

func (f *benchFlags) check() error {
	switch {
	case f.calls < 1 || f.calls > maxBenchCalls:
		return usagef("--calls %d: want 1 to %d", f.calls, maxBenchCalls)
	case f.callers < 1 || f.callers > maxBenchCallers:
		return usagef("--callers %d: want 1 to %d", f.callers, maxBenchCallers)
	}
	if f.duration > 0 {
		f.calls = maxBenchCalls
	}
	return nil
}

func (a *app) bench(parent context.Context, name string, flags benchFlags) error {
	service, method, err := splitMethod(name)
	if err != nil {
		return err
	}
	if err := flags.check(); err != nil {
		return err
	}
	if flags.csv && a.structured() {
		return usagef("--csv and -o %s exclude each other", a.format())
	}
	planned, input, err := a.planLoad(parent, service, method, flags.call)
	if err != nil {
		return err
	}
	l := &load{call: planned, input: input, flags: flags}
	defer planned.session.http.CloseIdleConnections()
	l.run(parent)
	return a.showLoad(parent, l.result(), flags.csv)
}

// planLoad finds out what is called, and with what.
func (a *app) planLoad(
	parent context.Context, service, method string, flags callFlags,
) (planned *plannedCall, input proto.Message, _ error) {
	err := a.withSession(parent, func(ctx context.Context, s *session) (err error) {
		if planned, err = s.plan(ctx, service, method, flags); err != nil {
			return err
		}
		if d := planned.descriptor; d != nil && (d.IsStreamingClient() || d.IsStreamingServer()) {
			return usagef("%s/%s streams: bench calls unary methods", service, method)
		}
		input, err = planned.input()
		return err
	})
	return planned, input, err
}

// load is the calls of one bench.
type load struct {
	call  *plannedCall
	input proto.Message
	flags benchFlags

	begun, done, failed atomic.Int64
	took                time.Duration
	mu                  sync.Mutex
	latencies           []time.Duration // guarded by mu
	first               error           // of the failures, guarded by mu
}

// run calls until all is called, the time is over or the user has had enough.
func (l *load) run(parent context.Context) {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	if l.flags.duration > 0 {
		defer time.AfterFunc(l.flags.duration, cancel).Stop() // not a deadline: the calls would have it, and fail by it
	}
	start := time.Now()
	stop := l.progress()
	var group sync.WaitGroup
	for range l.flags.callers {
		group.Go(func() { l.caller(ctx) })
	}
	group.Wait()
	l.took = time.Since(start)
	stop()
}

// caller is one of those that call at the same time.
func (l *load) caller(ctx context.Context) {
	var mine []time.Duration
	for ctx.Err() == nil && l.begun.Add(1) <= int64(l.flags.calls) {
		start := time.Now()
		err := l.one(ctx)
		if ctx.Err() != nil {
			break // cut off: how long it took says nothing
		}
		mine = append(mine, time.Since(start))
		l.done.Add(1)
		if err != nil {
			l.fail(err)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.latencies = append(l.latencies, mine...)
}

func (l *load) one(ctx context.Context) error {
	ctx, cancel := l.call.session.app.limited(ctx)
	defer cancel()
	ctx, _ = connect.NewClientContext(ctx)
	v, err := l.call.ask(ctx, l.input)
	if err != nil {
		return l.call.session.explain(context.WithoutCancel(ctx), err)
	}
	return v.failed
}

func (l *load) fail(err error) {
	l.failed.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.first == nil {
		l.first = err
	}
}

// loadResult is what bench answers. Latencies are of all calls, the failed ones too.
type loadResult struct {
	Calls   int     `json:"calls"`
	Errors  int64   `json:"errors"`
	Seconds float64 `json:"seconds"`
	Rate    float64 `json:"calls_per_second"`
	P50     int64   `json:"p50_nanos"`
	P90     int64   `json:"p90_nanos"`
	P99     int64   `json:"p99_nanos"`
	Max     int64   `json:"max_nanos"`
	First   string  `json:"first_error,omitempty"`
	first   *failure
}

func (l *load) result() loadResult {
	slices.Sort(l.latencies)
	r := loadResult{Calls: len(l.latencies), Errors: l.failed.Load(), Seconds: l.took.Seconds()}
	if r.Calls == 0 {
		return r
	}
	at := func(q float64) int64 { return l.latencies[int(q*float64(r.Calls-1))].Nanoseconds() }
	r.Rate = float64(r.Calls) / r.Seconds
	r.P50, r.P90, r.P99, r.Max = at(0.5), at(0.9), at(0.99), at(1)
	if l.first != nil {
		r.First = l.first.Error()
		r.first, _ = errors.AsType[*failure](l.first)
	}
	return r
}

func (a *app) showLoad(parent context.Context, r loadResult, csv bool) error {
	if r.Calls == 0 && parent.Err() != nil {
		return &failure{exit: exitInterrupted, code: "canceled", what: "interrupted before a call was finished"}
	}
	show := func() error { return a.show(r.view()) }
	if csv {
		show = func() error { return a.print(r.csv()) }
	}
	if err := show(); err != nil || r.Errors == 0 {
		return err
	}
	f := failuref("%d of %d calls failed, the first: %s", r.Errors, r.Calls, r.First)
	if r.first != nil {
		f.why, f.messages = r.first.why, r.first.messages
	}
	return f
}

func (r loadResult) view() view {
	return view{
		document: r,
		columns: []column{
			{title: "CALLS"}, {title: "ERRORS"}, {title: "CALLS/S"}, {title: "P50"}, {title: "P90"}, {title: "P99"}, {title: "MAX"},
		},
		rows: [][]cell{{
			text(strconv.Itoa(r.Calls)), text(strconv.FormatInt(r.Errors, 10)), text(fmt.Sprintf("%.0f", r.Rate)),
			span(r.P50), span(r.P90), span(r.P99), span(r.Max),
		}},
	}
}

func (r loadResult) csv() string {
	return fmt.Sprintf("calls,errors,seconds,calls_per_second,p50_nanos,p90_nanos,p99_nanos,max_nanos\n%d,%d,%.3f,%.1f,%d,%d,%d,%d\n",
		r.Calls, r.Errors, r.Seconds, r.Rate, r.P50, r.P90, r.P99, r.Max)
}

// progressEvery is how often bench says how far it is.
const progressEvery = 5 * time.Second

// progress says how far it is until stop is called.
func (l *load) progress() (stop func()) {
	if l.flags.noProgress {
		return func() {}
	}
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(progressEvery)
		defer ticker.Stop()
		for {
			select {
			case <-end:
				return
			case <-ticker.C:
				l.call.session.app.note("# %s", l.howFar())
			}
		}
	}()
	return func() { close(end); <-ended }
}

func (l *load) howFar() string {
	if l.flags.duration > 0 {
		return fmt.Sprintf("%d calls, %d failed", l.done.Load(), l.failed.Load())
	}
	return fmt.Sprintf("%d of %d calls, %d failed", l.done.Load(), l.flags.calls, l.failed.Load())
}
