package call

import (
	"context"
	"strings"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// Refusal is why a method cannot be called: what the router says, or what is better known. A service that was named without a
// method reads as a method of its package.
func Refusal(ctx context.Context, s *remote.Session, refused *failure.Error, method Method) error {
	if refused.Exit != failure.ExitUsage {
		return refused
	}
	res, err := s.Mesh.ListServices(ctx, &meshv1.ListServicesRequest{})
	if err != nil {
		return refused
	}
	meant := method.Service + "." + method.Name
	for _, known := range res.GetServices() {
		if len(known.GetMethods()) > 0 && isNamed(known.GetName(), meant) {
			return failure.Usagef("%s is a service: name a method of it too, such as %s/%s", meant, meant, known.GetMethods()[0].GetName()).
				Hint("collector services describe " + meant)
		}
	}
	return orUnhosted(ctx, s, refused, res, method.Service)
}

// orUnhosted is a refusal which says that the service is registered, if only that is missing that somebody hosts it.
func orUnhosted(ctx context.Context, s *remote.Session, refused *failure.Error, res *meshv1.ListServicesResponse, service string) error {
	for _, known := range s.Unhosted(ctx, "", res) {
		if isNamed(known.GetName(), service) {
			return failure.Usagef("%s is registered in namespace %q, and no collector hosts it", known.GetName(), known.GetNamespace()).
				Because(refused.Error()).
				Hint("a program hosts it with RegisterImplementation or RegisterDynamic", "collector services     # what is served, and by whom")
		}
	}
	return refused
}

// isNamed tells whether a user who says name means the service.
func isNamed(service, name string) bool {
	return service == name || strings.HasSuffix(service, "."+name)
}
