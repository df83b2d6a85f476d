package call

import (
	"context"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
	"github.com/collectiverpc/collective/gen/collector"
)

// Envelope is a call by the seed's RPCs.
type Envelope struct {
	Namespace string
	Method    Method
	Target    string // of Dispatch
	Local     bool   // by Serve, which never forwards, instead of Dispatch
	Input     *anypb.Any
}

// Reply is what Serve and Dispatch answer.
type Reply struct {
	Message proto.Message // the whole answer
	Output  *anypb.Any
	Answer  Answer // without its output
}

// Send makes the call, with the headers of the session as its metadata.
func (e Envelope) Send(ctx context.Context, s *remote.Session) (Reply, error) {
	service := &collector.ServiceTypeRef{ServiceName: e.Method.Service}
	if e.Local {
		res, err := s.Dispatcher.Serve(ctx, &collector.ServeRequest{
			Namespace: e.Namespace, Service: service, MethodName: e.Method.Name, Input: e.Input, ExecutionContext: s.Metadata(),
		})
		if err != nil {
			return Reply{}, err
		}
		return newReply(res, res.GetExecutorId(), []string{res.GetExecutorId()}), nil
	}
	res, err := s.Dispatcher.Dispatch(ctx, &collector.DispatchRequest{
		Namespace: e.Namespace, Service: service, MethodName: e.Method.Name, Input: e.Input,
		TargetCollectorId: e.Target, RoutingHints: s.Metadata(),
	})
	if err != nil {
		return Reply{}, err
	}
	return newReply(res, res.GetHandledByCollectorId(), res.GetRoute()), nil
}

// response is what the answers of Serve and Dispatch have in common.
type response interface {
	proto.Message
	GetStatus() *collector.Status
	GetOutput() *anypb.Any
}

func newReply(res response, executor string, route []string) Reply {
	answer := Answer{Executor: executor, Route: route, Failed: failure.OfStatus(res.GetStatus(), route)}
	return Reply{Message: res, Output: res.GetOutput(), Answer: answer}
}
