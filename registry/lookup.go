package registry

import (
	"context"
	"errors"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	collector "github.com/collectiverpc/collective/gen/collector"

	"github.com/collectiverpc/collective/internal/descriptor"
	"github.com/collectiverpc/collective/internal/schema"
)

// ValidateMethod says whether a method may be called; a refusal is an answer, not an error. See the CollectorRegistry
// service.
func (r *Registry) ValidateMethod(
	_ context.Context, req *collector.ValidateMethodRequest,
) (*collector.ValidateMethodResponse, error) {
	v := r.view.Load()
	answer := &collector.ValidateMethodResponse{Status: okStatus(), Revision: v.revision}
	m, err := v.call(req.GetNamespace(), req.GetServiceName(), req.GetMethodName())
	if err != nil {
		return invalid(answer, err), nil
	}
	answer.ServiceName = m.service.name
	answer.InputType = m.input
	answer.OutputType = string(m.descriptor.Output().FullName())
	if input := req.GetInputType(); input != "" {
		if err := m.checkInput(input); err != nil {
			return invalid(answer, err), nil
		}
	}
	answer.IsValid = true
	return answer, nil
}

// invalid fills a refusal into an answer, in the words that a caller would get.
func invalid(answer *collector.ValidateMethodResponse, err error) *collector.ValidateMethodResponse {
	answer.Code = connect.CodeOf(err).String()
	answer.Message = err.Error()
	if e, ok := errors.AsType[*connect.Error](err); ok {
		answer.Message = e.Message()
	}
	return answer
}

// LookupService answers one service. See the CollectorRegistry service.
func (r *Registry) LookupService(
	_ context.Context, req *collector.LookupServiceRequest,
) (*collector.LookupServiceResponse, error) {
	v := r.view.Load()
	n, ok := v.namespaces[req.GetNamespace()]
	if !ok {
		return nil, v.unknownNamespace(req.GetNamespace())
	}
	s, err := n.lookup(req.GetServiceName())
	if err != nil {
		return nil, err
	}
	answer := &collector.LookupServiceResponse{Status: okStatus(), Service: n.record(s)}
	if req.GetIncludeFiles() {
		answer.Files = r.schemaOf(s)
	}
	return answer, nil
}

// record is a service as the contract shows it.
func (n *namespaceIndex) record(s *service) *collector.RegisteredService {
	return &collector.RegisteredService{
		Id:                n.id(s),
		Namespace:         n.name,
		ServiceName:       s.name,
		ServiceDescriptor: protodesc.ToServiceDescriptorProto(s.descriptor),
		MethodNames:       s.methodNames(),
		Metadata: &collector.Metadata{
			CreatedAt: timestamppb.New(s.times.created),
			UpdatedAt: timestamppb.New(s.times.updated),
			Labels:    map[string]string{"source": s.source()},
		},
		SetAside: n.setAside(s),
	}
}

// setAside says how what requests registered differs from a service that the process serves itself; empty if it does not
// break it, or there is none. It is compared when it is asked for: nobody waits for it but who looks.
func (n *namespaceIndex) setAside(s *service) string {
	stored := n.held(s.name).registered
	if !s.local || stored == nil {
		return ""
	}
	if err := breaking(schema.CompareServices(stored.descriptor, s.descriptor)); err != nil {
		return err.Error()
	}
	return ""
}

// maxFiles is how many bytes of files go into an answer with their comments: well below the largest message that anybody
// accepts.
const maxFiles = 3 << 20

// schemaOf is the file of a service with all it imports, dependencies first. Where all of that is large, it comes without
// comments.
func (r *Registry) schemaOf(s *service) *descriptorpb.FileDescriptorSet {
	set := new(descriptorpb.FileDescriptorSet)
	for _, fd := range descriptor.Closure(s.descriptor.ParentFile()) {
		set.File = append(set.File, descriptor.OnlyComments(r.sources.Proto(fd)))
	}
	if proto.Size(set) > maxFiles {
		for i, file := range set.File {
			set.File[i] = descriptor.WithoutComments(file)
		}
	}
	return set
}
