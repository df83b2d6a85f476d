package suite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// run is one run of the suite.
type run struct {
	title     string // of the line that is printed
	mode      string // what of this program is under test: client or server
	role      string // of this program
	yardstick string // the title of the run that must have the same cases; "" for a yardstick
}

var runs = []run{
	{title: "# plain", mode: "server", role: "plain"},
	{title: "conformance local", mode: "server", role: "local", yardstick: "# plain"},
	{title: "conformance routed", mode: "server", role: "routed", yardstick: "# plain"},
	{title: "# plain client", mode: "client", role: "plain-client"},
	{title: "conformance client", mode: "client", role: "client", yardstick: "# plain client"},
}

// patience bounds one run, which takes some 20 s on two cores.
const patience = 3 * time.Minute

// Run makes all runs from the directory of this module and prints a line for each to out. What fails is told to log. It
// returns an error if any case fails that is not in known-failing.txt or known-flaky.txt, or if the runs do not have the same cases.
func Run(ctx context.Context, out, log io.Writer) error {
	tool, err := exec.CommandContext(ctx, "go", "tool", "-n", "connectconformance").Output()
	if err != nil {
		return fmt.Errorf("building the suite, which must be started in internal/conformance: %w", err)
	}
	cases := make(map[string]int)
	var failed []error
	for _, r := range runs {
		counted, err := r.execute(ctx, strings.TrimSpace(string(tool)), log)
		if err != nil {
			return fmt.Errorf("%s: %w", r.title, err)
		}
		cases[r.title] = counted.total
		fmt.Fprintf(out, "%s %d/%d\n", r.title, counted.passed, counted.total)
		failed = append(failed, r.judge(counted, cases))
	}
	return errors.Join(failed...)
}

// judge says what is wrong with a run; cases are those of the runs so far.
func (r run) judge(counted counts, cases map[string]int) error {
	if bad := counted.total - counted.passed - counted.known; bad != 0 {
		return fmt.Errorf("%s: %d of %d cases failed", r.title, bad, counted.total)
	}
	if !counted.finished {
		return fmt.Errorf("%s: the suite reports a failure of its own, see above", r.title)
	}
	if want, ok := cases[r.yardstick]; ok && counted.total != want {
		return fmt.Errorf("%s: %d cases, connect-go has %d with the same configuration", r.title, counted.total, want)
	}
	return nil
}

// execute runs the suite once.
func (r run) execute(ctx context.Context, tool string, log io.Writer) (counts, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	self, err := os.Executable()
	if err != nil {
		return counts{}, err
	}
	command := exec.CommandContext(ctx, tool,
		"--mode", r.mode, "--conf", "config.yaml", "--known-failing", "@known-failing.txt", "--known-flaky", "@known-flaky.txt", "--", self, r.role)
	report, err := command.CombinedOutput()
	counted, ok := parse(string(report))
	counted.finished = err == nil
	if err != nil || !ok || counted.passed != counted.total {
		_, _ = log.Write(report)
	}
	if !ok {
		return counts{}, fmt.Errorf("the suite did not report how many cases passed: %w", errors.Join(err, ctx.Err()))
	}
	return counted, nil
}

// counts is how many cases of a run there were, how many passed, and how many failed as known-failing.txt and known-flaky.txt say.
type counts struct {
	total, passed, known int
	finished             bool // the suite found nothing else to complain about
}

var (
	totals = regexp.MustCompile(`(?m)^Total cases: (\d+)\n(\d+) passed, \d+ failed$`)
	known  = regexp.MustCompile(`(?m)^\(Another (\d+) failed as expected`)
)

// parse finds the counts in the report of the suite.
func parse(report string) (counts, bool) {
	found := totals.FindStringSubmatch(report)
	if found == nil {
		return counts{}, false
	}
	counted := counts{total: number(found[1]), passed: number(found[2])}
	if also := known.FindStringSubmatch(report); also != nil {
		counted.known = number(also[1])
	}
	return counted, true
}

// number converts what the expressions above let through.
func number(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}
