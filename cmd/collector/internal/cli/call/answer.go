package call

import (
	"context"
	"strings"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"

	"github.com/collectiverpc/collective/mesh"
)

// Answer is what became of a call that came to a collector.
type Answer struct {
	Output   proto.Message // nil if there is none, and of a stream
	Executor string        // empty if it is not known who ran it
	Route    []string
	Failed   error // of the method, or of the mesh on the way to it; nil if it answered
}

// address says which namespace and which collector the call of a context is for.
func (c *Call) address(ctx context.Context) *connect.CallInfo {
	info, _ := connect.CallInfoForClientContext(ctx) // who calls made it
	info.RequestHeader().Set(mesh.HeaderNamespace, c.namespace)
	if c.target != "" {
		info.RequestHeader().Set(mesh.HeaderTarget, c.target)
	}
	return info
}

// answeredBy is who ran a call, and the way there. An answer that is only an error has its headers at its end.
func answeredBy(info *connect.CallInfo) Answer {
	for _, header := range []*connect.Header{info.ResponseHeader(), info.ResponseTrailer()} {
		if executor := header.Get(mesh.HeaderExecutor); executor != "" {
			return Answer{Executor: executor, Route: strings.Split(header.Get(mesh.HeaderRoute), ",")}
		}
	}
	return Answer{}
}
