package cli

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strings"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/internal/status"
)

// verdict is what became of a unary call.
type verdict struct {
	output   proto.Message // nil if there is none
	executor string        // empty if it is not known who ran it
	route    []string
	failed   error // of the method, or of the mesh on the way to it; nil if it answered
}

// callUnary makes the call, prints the answer, and fails as the method did.
func (c *plannedCall) callUnary(ctx context.Context) error {
	input, err := c.input()
	if err != nil {
		return err
	}
	ctx, info := connect.NewClientContext(ctx)
	start := time.Now()
	v, err := c.ask(ctx, input)
	took := time.Since(start)
	if c.flags.show {
		c.session.app.showHeaders(info)
	}
	if err != nil {
		return err
	}
	if v.output != nil {
		if err := c.showAnswer(v.output, false); err != nil {
			return err
		}
	}
	failed := c.allowed(v.failed)
	if v.executor != "" && (failed == nil || !c.session.app.structured()) { // under --json the failure tells it
		c.handled(v.executor, v.route, took)
	}
	return failed
}

// input makes the message of a unary call from its one JSON value.
func (c *plannedCall) input() (proto.Message, error) {
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
		return c.schema.untypedMessage(values[0])
	}
	return c.schema.parseMessage(values[0], c.descriptor.Input())
}

// ask makes the call at the method's own path, as any generated client does: that way nothing of an error is lost.
// The seed's untyped methods have no such path and go by its envelope.
func (c *plannedCall) ask(ctx context.Context, input proto.Message) (verdict, error) {
	if c.descriptor == nil {
		return c.askUntyped(ctx, input)
	}
	output := dynamicpb.NewMessage(c.descriptor.Output())
	info := c.address(ctx)
	err := c.session.client.CallUnary(ctx, c.spec(), input, output)
	executor, route := answeredBy(info)
	switch {
	case err == nil:
		return verdict{output: output, executor: executor, route: route}, nil
	case executor == "":
		return verdict{}, err
	}
	return verdict{executor: executor, route: route, failed: c.session.explainHandled(err, route)}, nil
}

// address says which namespace and which collector the call of a context is for.
func (c *plannedCall) address(ctx context.Context) *connect.CallInfo {
	info, _ := connect.CallInfoForClientContext(ctx) // who calls made it
	info.RequestHeader().Set(namespaceHeader, c.namespace)
	if c.target != "" {
		info.RequestHeader().Set(targetHeader, c.target)
	}
	return info
}

// answeredBy is who ran a call, and the way there. An answer that is only an error has its headers at its end.
func answeredBy(info *connect.CallInfo) (executor string, route []string) {
	for _, header := range []*connect.Header{info.ResponseHeader(), info.ResponseTrailer()} {
		if executor := header.Get(executorHeader); executor != "" {
			return executor, strings.Split(header.Get(routeHeader), ",")
		}
	}
	return "", nil
}

// askUntyped makes the call by Dispatch, or by Serve with --local.
func (c *plannedCall) askUntyped(ctx context.Context, message proto.Message) (verdict, error) {
	input, err := anypb.New(message)
	if err != nil {
		return verdict{}, failuref("-d: %s", protoError(err))
	}
	metadata, err := c.session.app.headerMap()
	if err != nil {
		return verdict{}, err
	}
	service := &collector.ServiceTypeRef{ServiceName: c.service}
	if c.flags.local {
		res, err := c.session.dispatcher.Serve(ctx, &collector.ServeRequest{
			Namespace: c.namespace, Service: service, MethodName: c.method, Input: input, ExecutionContext: metadata,
		})
		if err != nil {
			return verdict{}, err
		}
		return c.unpacked(res, res.GetExecutorId(), []string{res.GetExecutorId()})
	}
	res, err := c.session.dispatcher.Dispatch(ctx, &collector.DispatchRequest{
		Namespace: c.namespace, Service: service, MethodName: c.method, Input: input,
		TargetCollectorId: c.target, RoutingHints: metadata,
	})
	if err != nil {
		return verdict{}, err
	}
	return c.unpacked(res, res.GetHandledByCollectorId(), res.GetRoute())
}

// envelope is what the answers of Serve and Dispatch have in common.
type envelope interface {
	GetStatus() *collector.Status
	GetOutput() *anypb.Any
}

func (c *plannedCall) unpacked(res envelope, executor string, route []string) (verdict, error) {
	v := verdict{executor: executor, route: route, failed: statusFailure(res.GetStatus(), route)}
	var err error
	v.output, err = c.schema.unpack(res.GetOutput())
	return v, err
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

// allowed is the failure of a call, unless --allow-status, which makes a note of it.
func (c *plannedCall) allowed(failed error) error {
	f, ok := errors.AsType[*failure](failed)
	if !ok || !c.flags.allowStatus {
		return failed
	}
	c.session.app.note("# status %d: %s", status.HTTP(codeOf(f.code)), f.what)
	for _, detail := range f.messages {
		c.session.app.note("# %s", detail)
	}
	return nil
}

// statusFailure is the failure in a Status; nil for 200.
func statusFailure(s *collector.Status, route []string) error {
	if s.GetCode() == http.StatusOK {
		return nil
	}
	code := s.GetDetails()[status.CodeKey]
	if code == "" {
		code = codeOfStatus(s.GetCode()).String()
	}
	f := &failure{exit: exitOfStatus(s.GetCode()), code: code, what: s.GetMessage(), details: s.GetDetails(), route: route}
	if f.what == "" {
		f.what = "the call failed without a message"
	}
	f.addReason(s.GetDetails()[status.ReasonKey])
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
