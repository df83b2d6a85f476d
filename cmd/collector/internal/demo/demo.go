package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// Pace of the story.
const (
	pause        = 150 * time.Millisecond // between two calls
	explainAt    = 12.0 / 60              // of the whole time
	faultAt      = 20.0 / 60
	killAt       = 32.0 / 60
	restartAt    = 42.0 / 60
	handOverAt   = 52.0 / 60
	recoveryTime = 20 * time.Second // at most, after the restart
)

// Run plays the demo. It stops every collector that it started before it returns, also when ctx is done early. The
// report of a demo that ended early tells what there was until then.
func Run(ctx context.Context, config Config) (report *Report, err error) {
	d := &director{config: config, report: &Report{Executors: map[string]int{}}}
	if d.stage, err = newStage(config, d.note); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.stage.close()) }()
	if err := d.stage.open(ctx, d.note); err != nil {
		return nil, err
	}
	d.introduce(ctx)
	if config.Opened != nil {
		config.Opened(d.stage.a.page(ctx, ""))
	}
	return d.report, d.play(ctx)
}

// director tells the story, in one goroutine.
type director struct {
	config Config
	stage  *stage
	report *Report
	next   int // the call of the round that is next
}

func (d *director) note(format string, args ...any) {
	fmt.Fprintf(d.config.Notes, "# "+format+"\n", args...)
}

// introduce says who is there.
func (d *director) introduce(ctx context.Context) {
	d.note("console: %s   (logs one browser in)", d.stage.a.page(ctx, ""))
	d.report.Collectors = d.stage.collectors()
	for _, actor := range d.stage.actors() {
		d.note("collector %s   %s   namespaces %s and %s, hosts %s",
			actor.id, actor.url(), actor.namespaces[0], actor.namespaces[1], actor.example)
	}
	if d.stage.kept {
		d.report.Kept = d.stage.dir
	}
	d.note("a is linked with b and c, b with c; they share one namespace each")
}

// play is the story: calls, an outage, calls again.
func (d *director) play(ctx context.Context) error {
	start := time.Now()
	defer func() { d.report.Seconds = time.Since(start).Seconds() }()
	outage := newOutage(d.stage.b, d.stage.a, d.stage.c)
	d.report.Killed = d.stage.b.id
	until := func(part float64) time.Time { return start.Add(time.Duration(part * float64(d.config.Length()))) }

	if err := d.callUntil(ctx, until(explainAt)); err != nil {
		return err
	}
	d.explain(ctx)
	if err := d.callUntil(ctx, until(faultAt)); err != nil {
		return err
	}
	d.note("ReserveStock fails %d %% of the time, on purpose; b, which is asked, shows it: %s", faultPercent, d.stage.b.page(ctx, "traffic?errors=1"))
	if err := d.callUntil(ctx, until(killAt)); err != nil {
		return err
	}
	d.note("%s %s: orders live there only, so calls of them must now fail, at once and with the reason", d.stage.b.verb(), d.stage.b.id)
	if err := outage.begin(); err != nil {
		return err
	}
	if err := d.callDuring(ctx, until(restartAt), outage); err != nil {
		return err
	}
	d.note("in the console its connection is stale now, and the history strip at %s shows since when", d.stage.a.console()+"connections")
	d.note("restarting %s with its database", d.stage.b.id)
	if err := outage.restart(ctx, d.note); err != nil {
		return err
	}
	d.report.Collectors = d.stage.collectors()
	if err := d.callThrough(ctx, outage); err != nil {
		return err
	}
	if err := d.callUntil(ctx, until(handOverAt)); err != nil {
		return err
	}
	d.handOver()
	return d.callUntil(ctx, until(1))
}

// explain quotes the router of a about a call that runs on b.
func (d *director) explain(ctx context.Context) {
	c := d.stage.round()[0]
	d.note("why does %s, asked at %s, run on %s? its router says:", c.method, c.asked.id, c.lives.id)
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	res, err := c.asked.mesh.ExplainRoute(ctx, &meshv1.ExplainRouteRequest{
		Namespace: c.namespace, ServiceName: c.service, MethodName: c.method,
	})
	if err != nil {
		d.note("nothing: %v", err)
		return
	}
	for _, candidate := range res.GetCandidates() {
		verdict := "no"
		if candidate.GetCollectorId() == res.GetChosenCollectorId() {
			verdict = "YES"
		}
		d.note("  %s  %-3s  %s", candidate.GetCollectorId(), verdict, candidate.GetReason())
	}
	d.note("  the same in the console: %scall/%s/%s", d.stage.a.console(), c.namespace, c.name())
}

// handOver shows what the audience can do itself.
func (d *director) handOver() {
	c, at := d.stage.round()[0], d.stage.a.url()
	d.note("your turn, in another terminal:")
	d.note(`  collector call %s -d '{"sku":"tea","qty":2}' -s %s`, c.name(), at)
	d.note("  collector route %s %s -s %s", c.namespace, c.name(), at)
	d.note("  collector tap --errors -s %s", d.stage.b.url())
}

// callUntil makes calls until a time.
func (d *director) callUntil(ctx context.Context, end time.Time) error {
	for time.Now().Before(end) {
		if err := d.step(ctx, nil); err != nil {
			return err
		}
	}
	return nil
}

// callDuring makes calls until a time and until the outage has shown what it is there to show, on a slow machine too.
func (d *director) callDuring(ctx context.Context, end time.Time, outage *outage) error {
	giveUp := end.Add(recoveryTime)
	shown := func() bool { return outage.stale && d.report.UnavailableDuringOutage > 0 }
	for time.Now().Before(end) || !shown() && time.Now().Before(giveUp) {
		if err := d.step(ctx, outage); err != nil {
			return err
		}
	}
	return nil
}

// callThrough makes calls until an outage is over.
func (d *director) callThrough(ctx context.Context, outage *outage) error {
	for !outage.over() {
		if outage.sinceRestart() > recoveryTime {
			d.note("giving up: %s is not back after %v", outage.victim.id, recoveryTime)
			return nil
		}
		if err := d.step(ctx, outage); err != nil {
			return err
		}
	}
	d.report.Recovered, d.report.RecoveryMillis = true, outage.sinceRestart().Milliseconds()
	d.note("%s is back: everything is active again %.1f s after the restart", outage.victim.id, outage.sinceRestart().Seconds())
	return nil
}

// step looks at the outage, makes one call, and waits a little.
func (d *director) step(ctx context.Context, outage *outage) error {
	if outage != nil {
		if err := outage.look(ctx, d.note); err != nil {
			return err
		}
	}
	d.call(ctx, outage)
	return sleep(ctx, time.Duration(float64(pause)/d.config.speed()))
}

// call makes the next call that can be asked.
func (d *director) call(ctx context.Context, outage *outage) {
	calls := d.stage.round()
	c := calls[d.next%len(calls)]
	d.next++
	if outage != nil && c.asked == outage.victim && !outage.others {
		return // there is nobody to ask, or one who has not heard yet what the others serve
	}
	o := c.run(ctx)
	if ctx.Err() != nil {
		return // interrupted: how the call went says nothing
	}
	fmt.Fprintln(d.config.Lines, c.line(o))
	d.count(&c, o, outage)
}

func (d *director) count(c *demoCall, o outcome, outage *outage) {
	d.report.Calls++
	switch {
	case o.ok():
		d.report.Executors[o.executor]++
		if o.executor != c.asked.id {
			d.report.Routed++
		}
	case o.seeded():
		d.report.SeededFaults++
	case outage != nil && c.needs(outage.victim) && o.unavailable():
		if d.report.UnavailableDuringOutage++; d.report.UnavailableDuringOutage == 1 {
			d.note("%s said: %s", c.asked.id, o.message)
		}
	default:
		d.report.fail(c.name() + " asked of " + c.asked.id + ": " + o.problem())
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
