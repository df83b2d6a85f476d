package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Shortest is the least time in which the story can be told.
const Shortest = 3 * time.Second

// Pace of the story.
const (
	pause        = 150 * time.Millisecond // between two calls
	killAt       = 0.35                   // of the whole time
	restartAt    = 0.55
	recoveryTime = 20 * time.Second // at most, after the restart
)

// Config says how the demo is run.
type Config struct {
	// Program is the collector binary.
	Program string
	// For is how long calls are made, at least [Shortest].
	For time.Duration
	// Port is where a listens, b and c on the two after it; 0 for free ones, which also serve if any of them is taken.
	Port int
	// Keep is a directory for databases and logs; "" for one that is removed at the end.
	Keep string
	// Lines gets a line for every call, Notes the captions between them.
	Lines, Notes io.Writer
}

// Run plays the demo. It stops every process that it started before it returns, also when ctx is done early. The
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
	d.introduce()
	return d.report, d.play(ctx)
}

// director tells the story, in one goroutine.
type director struct {
	config Config
	stage  *stage
	report *Report
	next   int // the errand that is next
}

func (d *director) note(format string, args ...any) {
	fmt.Fprintf(d.config.Notes, "# "+format+"\n", args...)
}

// introduce says who is there.
func (d *director) introduce() {
	d.report.Collectors = d.stage.collectors()
	for _, actor := range d.stage.actors() {
		d.note("collector %s   %s   namespaces %s and %s, hosts %s",
			actor.id, actor.url(), actor.namespaces[0], actor.namespaces[1], actor.example)
	}
	if d.stage.kept {
		d.report.Kept = d.stage.dir
	}
	d.note("a is linked with b and c, b with c; they share one namespace each")
	d.note("watch it:        %s", d.stage.a.console())
	d.note("why did it run there:  %s", d.stage.a.console()+"call/orders/shop.v1.OrderService/CreateOrder")
}

// play is the story: calls, an outage, calls again.
func (d *director) play(ctx context.Context) error {
	start := time.Now()
	defer func() { d.report.Seconds = time.Since(start).Seconds() }()
	outage := newOutage(d.stage.b, d.stage.a, d.stage.c)
	d.report.Killed = d.stage.b.id
	until := func(part float64) time.Time { return start.Add(time.Duration(part * float64(d.config.For))) }

	if err := d.callUntil(ctx, until(killAt)); err != nil {
		return err
	}
	d.note("kill -9 %s: orders live there only, so calls of them must now fail, at once and with the reason", d.stage.b.id)
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
	return d.callUntil(ctx, until(1))
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
	return sleep(ctx, pause)
}

// call runs the next errand that can be asked.
func (d *director) call(ctx context.Context, outage *outage) {
	errands := d.stage.errands()
	e := errands[d.next%len(errands)]
	d.next++
	if outage != nil && e.asked == outage.victim && !outage.others {
		return // there is nobody to ask, or one who has not heard yet what the others serve
	}
	o := e.run(ctx)
	if ctx.Err() != nil {
		return // interrupted: how the call went says nothing
	}
	fmt.Fprintln(d.config.Lines, e.line(o))
	d.count(&e, o, outage)
}

func (d *director) count(e *errand, o outcome, outage *outage) {
	d.report.Calls++
	switch {
	case o.ok():
		d.report.Executors[o.executor]++
		if o.executor != e.asked.id {
			d.report.Routed++
		}
	case outage != nil && e.needs(outage.victim) && o.unavailable():
		if d.report.UnavailableDuringOutage++; d.report.UnavailableDuringOutage == 1 {
			d.note("%s said: %s", e.asked.id, o.message)
		}
	default:
		d.report.fail(e.name() + " asked of " + e.asked.id + ": " + o.problem())
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
