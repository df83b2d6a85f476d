package call

import (
	"context"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/schema"
)

// Ask makes a unary call at the method's own path, as any generated client does: that way nothing of an error is lost. The
// seed's untyped methods have no such path and go by an envelope. ctx is of [connect.NewClientContext]. An error is one of
// the way to the mesh; what the mesh or the method says is in the answer.
func (c *Call) Ask(ctx context.Context, input proto.Message) (Answer, error) {
	if c.descriptor == nil {
		return c.askUntyped(ctx, input)
	}
	output := dynamicpb.NewMessage(c.descriptor.Output())
	info := c.address(ctx)
	err := c.session.CallClient(false).CallUnary(ctx, c.spec(), input, output)
	answer := answeredBy(info)
	switch {
	case err == nil:
		answer.Output = output
	case answer.Executor == "":
		return Answer{}, err
	default:
		answer.Failed = c.session.ExplainHandled(err, answer.Route)
	}
	return answer, nil
}

func (c *Call) askUntyped(ctx context.Context, message proto.Message) (Answer, error) {
	input, err := anypb.New(message)
	if err != nil {
		return Answer{}, failure.Newf("-d: %s", schema.ErrorText(err))
	}
	reply, err := Envelope{Namespace: c.namespace, Method: c.Method, Target: c.target, Local: c.local, Input: input}.Send(ctx, c.session)
	if err != nil {
		return Answer{}, err
	}
	reply.Answer.Output, err = c.Schema.Unpack(reply.Output)
	return reply.Answer, err
}
