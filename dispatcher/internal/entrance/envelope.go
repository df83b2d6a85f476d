package entrance

import (
	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/collectiverpc/collective/dispatcher/internal/ingress"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/mesh"
)

// Envelope is what Serve and Dispatch requests have in common.
type Envelope interface {
	GetNamespace() string
	GetService() *collector.ServiceTypeRef
	GetMethodName() string
	GetInput() *anypb.Any
}

// checkEnvelope refuses what cannot be looked up.
// The seed's requests name the namespace twice. That of the service may be left out; it may not be another one, nor may
// named, which the headers of the RPC say.
func checkEnvelope(req Envelope, named []string) *refusal.Refusal {
	service := req.GetService()
	if service == nil {
		return refusal.New(connect.CodeInvalidArgument, mesh.ReasonInvalidRequest, "service is not set: give its name")
	}
	if other := service.GetNamespace(); other != "" && other != req.GetNamespace() {
		return refusal.New(connect.CodeInvalidArgument, mesh.ReasonInvalidRequest,
			"the request is in namespace "+refusal.Quoted(req.GetNamespace())+" but its service is in "+refusal.Quoted(other)+": name one")
	}
	if _, refused := ingress.OneNamespace(req.GetNamespace(), named); refused != nil {
		return refused
	}
	return routing.CheckNames(req.GetNamespace(), service.GetServiceName(), req.GetMethodName())
}
