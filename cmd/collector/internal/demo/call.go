package demo

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/collectiverpc/collective/cmd/collector/internal/host"
	"github.com/collectiverpc/collective/gen/collector"
)

// demoCall is a call that the demo makes again and again.
type demoCall struct {
	asked     *actor // who is asked
	lives     *actor // where the method lives
	namespace string
	service   string // full name
	method    string
	input     proto.Message
}

// needs tells whether the call cannot succeed without a collector.
func (c *demoCall) needs(a *actor) bool { return c.asked == a || c.lives == a }

// outcome is how a call went.
type outcome struct {
	status   int32 // 0 if the collector that was asked did not answer
	message  string
	executor string
	route    []string
	took     time.Duration
}

// run makes the call.
func (c *demoCall) run(ctx context.Context) outcome {
	input, err := anypb.New(c.input)
	if err != nil {
		return outcome{message: err.Error()}
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	start := time.Now()
	res, err := c.asked.dispatcher.Dispatch(ctx, &collector.DispatchRequest{
		Namespace:  c.namespace,
		Service:    &collector.ServiceTypeRef{ServiceName: c.service},
		MethodName: c.method,
		Input:      input,
	})
	took := time.Since(start)
	if err != nil {
		return outcome{message: err.Error(), took: took}
	}
	return outcome{
		status: res.GetStatus().GetCode(), message: res.GetStatus().GetMessage(),
		executor: res.GetHandledByCollectorId(), route: res.GetRoute(), took: took,
	}
}

func (o *outcome) ok() bool { return o.status == http.StatusOK }

// unavailable is the documented failure of a call whose collector cannot be reached.
func (o *outcome) unavailable() bool { return o.status == http.StatusServiceUnavailable }

// seeded is the fault that one of the examples has on purpose.
func (o *outcome) seeded() bool {
	return o.status == http.StatusInternalServerError && o.message == host.FaultMessage
}

// line is how a call is shown: the method, who was asked, who ran it, on which way, and how long it took.
func (c *demoCall) line(o outcome) string {
	took := fmt.Sprintf("%6.1f ms", float64(o.took)/float64(time.Millisecond))
	if !o.ok() {
		return fmt.Sprintf("%-37s asked %s   %-21s %s", c.name(), c.asked.id, o.short(), took)
	}
	return fmt.Sprintf("%-37s asked %s   handled by %s  %-5s  %s",
		c.name(), c.asked.id, o.executor, strings.Join(o.route, " → "), took)
}

func (c *demoCall) name() string { return c.service + "/" + c.method }

// short is a failure in two words.
func (o *outcome) short() string {
	if o.seeded() {
		return "500 failed on purpose"
	}
	if o.unavailable() {
		return "503 unavailable"
	}
	return fmt.Sprintf("FAILED %d", o.status)
}

func (o *outcome) problem() string {
	if o.status == 0 {
		return o.message
	}
	return fmt.Sprintf("%d %s", o.status, o.message)
}
