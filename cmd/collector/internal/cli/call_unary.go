package cli

import (
	"context"
	"maps"
	"net/http"
	"strings"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/collectiverpc/collective/gen/collector"
)

// verdict is what Serve and Dispatch answers have in common.
type verdict struct {
	status   *collector.Status
	output   *anypb.Any
	executor string
	route    []string
}

// callUnary makes the call by Dispatch, or Serve with --local, prints the answer, and fails as the Status does.
func (c *plannedCall) callUnary(ctx context.Context) error {
	input, err := c.input()
	if err != nil {
		return err
	}
	ctx, info := connect.NewClientContext(ctx)
	start := time.Now()
	v, err := c.ask(ctx, input)
	took := time.Since(start)
	if err != nil {
		return err
	}
	if c.flags.show {
		c.session.app.showHeaders(info)
	}
	if err := c.printOutput(v); err != nil {
		return err
	}
	failed := c.statusFailure(v)
	if failed == nil || !c.session.app.structured() { // under --json the failure tells it
		c.handled(v.executor, v.route, took)
	}
	return failed
}

// input packs the one JSON value of a unary call.
func (c *plannedCall) input() (*anypb.Any, error) {
	data, err := c.session.app.readInput(c.flags.data)
	if err != nil {
		return nil, err
	}
	values, err := splitJSON(data)
	if err != nil {
		return nil, err
	}
	if len(values) != 1 {
		return nil, usagef("%s/%s takes one message, -d has %d", c.service, c.method, len(values))
	}
	if c.descriptor == nil {
		return c.schema.untypedInput(values[0])
	}
	message, err := c.schema.parseMessage(values[0], c.descriptor.Input())
	if err != nil {
		return nil, err
	}
	return anypb.New(message)
}

func (c *plannedCall) ask(ctx context.Context, input *anypb.Any) (verdict, error) {
	metadata, err := c.session.app.headerMap()
	if err != nil {
		return verdict{}, err
	}
	service := &collector.ServiceTypeRef{ServiceName: c.service}
	if c.flags.local {
		res, err := c.session.dispatcher.Serve(ctx, &collector.ServeRequest{
			Namespace: c.namespace, Service: service, MethodName: c.method, Input: input, ExecutionContext: metadata,
		})
		return servedVerdict(res), err
	}
	res, err := c.session.dispatcher.Dispatch(ctx, &collector.DispatchRequest{
		Namespace: c.namespace, Service: service, MethodName: c.method, Input: input,
		TargetCollectorId: c.flags.target, RoutingHints: metadata,
	})
	return dispatchedVerdict(res), err
}

func servedVerdict(res *collector.ServeResponse) verdict {
	return verdict{res.GetStatus(), res.GetOutput(), res.GetExecutorId(), []string{res.GetExecutorId()}}
}

func dispatchedVerdict(res *collector.DispatchResponse) verdict {
	return verdict{res.GetStatus(), res.GetOutput(), res.GetHandledByCollectorId(), res.GetRoute()}
}

// headerMap is the -H headers as the request metadata of the method.
func (a *app) headerMap() (map[string]string, error) {
	headers, err := a.headers()
	if err != nil || len(headers) == 0 {
		return nil, err
	}
	metadata := make(map[string]string, len(headers))
	for _, h := range headers {
		metadata[h.name] = h.value
	}
	return metadata, nil
}

func (c *plannedCall) printOutput(v verdict) error {
	message, err := c.schema.unpack(v.output)
	if err != nil || message == nil {
		return err
	}
	return c.showAnswer(message, false)
}

// statusFailure makes a failure of a Status that is not 200, unless --allow-status.
func (c *plannedCall) statusFailure(v verdict) error {
	if c.flags.allowStatus {
		if v.status.GetCode() != http.StatusOK {
			c.session.app.note("# status %d: %s", v.status.GetCode(), v.status.GetMessage())
		}
		return nil
	}
	return statusFailure(v)
}

// statusFailure is the failure in a Status; nil for 200.
func statusFailure(v verdict) error {
	if v.status.GetCode() == http.StatusOK {
		return nil
	}
	code := v.status.GetDetails()["code"]
	if code == "" {
		code = codeOfStatus(v.status.GetCode()).String()
	}
	f := &failure{
		exit: exitOfStatus(v.status.GetCode()), code: code, what: v.status.GetMessage(),
		details: v.status.GetDetails(), route: v.route,
	}
	if f.what == "" {
		f.what = "the call failed without a message"
	}
	if reason := v.status.GetDetails()["reason"]; reason != "" {
		f.why = append(f.why, "reason "+strings.ReplaceAll(reason, "_", " "))
	}
	return f
}

// showHeaders shows what came with the answer.
func (a *app) showHeaders(info *connect.CallInfo) {
	a.showHeader("<", info.ResponseHeader())
	a.showHeader("< trailer", info.ResponseTrailer())
}

func (a *app) showHeader(mark string, header *connect.Header) {
	all := maps.Collect(header.All())
	for _, name := range sortedKeys(all) {
		a.note("%s %s: %s", mark, name, strings.Join(all[name], ", "))
	}
}
