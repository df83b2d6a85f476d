package remote

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/schema"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/words"
	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/status"
	"github.com/collectiverpc/collective/mesh"
)

// explainVerdict is for an RPC error.
func (e *explainer) explainVerdict(err error) *failure.Error {
	code := connect.CodeOf(err)
	f := &failure.Error{Exit: failure.ExitOfCode(code), Code: code.String(), What: code.String()}
	if verdict, ok := errors.AsType[*connect.Error](err); ok {
		if verdict.Message() != "" {
			f.What = verdict.Message()
		}
		addDetails(f, verdict, e.known)
	}
	if code == connect.CodeDeadlineExceeded {
		explainDeadline(f, time.Since(e.started), e.timeout)
	}
	return f
}

// explainDeadline tells whose limit it was: --timeout, or one on the way.
func explainDeadline(f *failure.Error, took, timeout time.Duration) {
	if timeout > 0 && took >= timeout {
		f.Because(fmt.Sprintf("after %s, with --timeout %v", words.Duration(took), timeout))
		f.Hint("allow more with --timeout")
		return
	}
	f.Because(fmt.Sprintf("after %s, which is not the limit of --timeout %v: the collector or the method has one of its own", words.Duration(took), timeout))
	f.Hint("collector status --json     # limits: default timeout, max timeout")
}

// ExplainHandled is for an RPC error of a call that is known to have come to a collector.
func (e *explainer) ExplainHandled(err error, route []string) *failure.Error {
	f := e.explainVerdict(err)
	if f.Route == nil {
		f.Route = route
	}
	if f.Details == nil { // the mesh would have said so
		f.Details = map[string]string{status.CodeKey: f.Code, status.ReasonKey: string(mesh.ReasonHandlerError), "route": strings.Join(route, ",")}
		f.AddReason(mesh.ReasonHandlerError)
	}
	return f
}

// addDetails takes over what a collector tells about a failure of the mesh, and shows what a handler says about its own.
func addDetails(f *failure.Error, verdict *connect.Error, known *schema.Set) {
	for _, detail := range verdict.Details() {
		message, err := connectproto.UnmarshalErrorDetail(detail)
		if err != nil {
			message = nil // a type from elsewhere
		}
		switch own := message.(type) {
		case *meshv1.CallFailure:
			f.AddCallFailure(own)
		case *collector.SchemaReport:
			f.Report = own
		default:
			f.Messages = append(f.Messages, known.Detail(detail))
		}
	}
}
