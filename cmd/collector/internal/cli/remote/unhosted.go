package remote

import (
	"context"
	"strings"

	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// Unhosted are the services that are registered in a namespace, or in any, and that no collector in res hosts. Those that one
// hosts it marks, where what is registered is kept aside. A collector without a registry has none of either.
func (s *Session) Unhosted(ctx context.Context, namespace string, res *meshv1.ListServicesResponse) []*meshv1.Service {
	type key struct{ namespace, name string }
	hosted := make(map[key]*meshv1.Service)
	for _, service := range res.GetServices() {
		hosted[key{service.GetNamespace(), service.GetName()}] = service
	}
	var found []*meshv1.Service
	for _, record := range s.registered(ctx, namespace) {
		if service, ok := hosted[key{record.GetNamespace(), record.GetServiceName()}]; ok {
			service.SetAside = record.GetSetAside()
			continue
		}
		found = append(found, unhostedService(record))
	}
	return found
}

// registered reads all pages of the registry. What cannot be read is left out: it is no reason to show less.
func (s *Session) registered(ctx context.Context, namespace string) []*collector.RegisteredService {
	var all []*collector.RegisteredService
	req := &collector.ListServicesRequest{Namespace: namespace}
	for {
		res, err := s.Registry.ListServices(ctx, req)
		if err != nil {
			return all
		}
		all = append(all, res.GetServices()...)
		if req.PageToken = res.GetNextPageToken(); req.PageToken == "" {
			return all
		}
	}
}

func unhostedService(record *collector.RegisteredService) *meshv1.Service {
	service := &meshv1.Service{Namespace: record.GetNamespace(), Name: record.GetServiceName()}
	for _, method := range record.GetServiceDescriptor().GetMethod() {
		service.Methods = append(service.Methods, unhostedMethod(record.GetServiceName(), method))
	}
	return service
}

func unhostedMethod(service string, method *descriptorpb.MethodDescriptorProto) *meshv1.Method {
	return &meshv1.Method{
		Name: method.GetName(), Procedure: "/" + service + "/" + method.GetName(),
		InputType: strings.TrimPrefix(method.GetInputType(), "."), OutputType: strings.TrimPrefix(method.GetOutputType(), "."),
		ClientStreaming: method.GetClientStreaming(), ServerStreaming: method.GetServerStreaming(),
	}
}
