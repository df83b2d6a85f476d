package registry

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/descriptorpb"

	collector "github.com/collectiverpc/collective/gen/collector"
)

// RegisterProto stores a file with its dependencies, whole or not at all. See the CollectorRegistry service.
func (r *Registry) RegisterProto(
	ctx context.Context, req *collector.RegisterProtoRequest,
) (*collector.RegisterProtoResponse, error) {
	path := req.GetFileDescriptor().GetName()
	done, err := r.register(ctx, registration{
		namespace: req.GetNamespace(),
		files:     append([]*descriptorpb.FileDescriptorProto{req.GetFileDescriptor()}, req.GetDependencies()...),
		force:     req.GetForce(),
		dryRun:    req.GetDryRun(),
	})
	if err != nil {
		return nil, refused(err, "file %.100q in namespace %.100q", path, req.GetNamespace())
	}
	return &collector.RegisterProtoResponse{
		Status:             okStatus(),
		ProtoId:            done.index.name + "/" + path,
		RegisteredMessages: done.index.files.MessagesOf(path),
		Report:             reportOf(done.changes),
		Revision:           done.revision,
	}, nil
}

// RegisterService stores a service with the file that declares it, whole or not at all. See the CollectorRegistry
// service.
func (r *Registry) RegisterService(
	ctx context.Context, req *collector.RegisterServiceRequest,
) (*collector.RegisterServiceResponse, error) {
	var files []*descriptorpb.FileDescriptorProto
	if file := req.GetFileDescriptor(); file != nil {
		files = append(files, file)
	}
	done, err := r.register(ctx, registration{
		namespace:   req.GetNamespace(),
		files:       append(files, req.GetDependencies()...),
		wantService: true,
		service:     req.GetServiceDescriptor(),
		servicePath: req.GetFileDescriptor().GetName(),
		force:       req.GetForce(),
		dryRun:      req.GetDryRun(),
	})
	if err != nil {
		return nil, refused(err, "service %.100q in namespace %.100q", req.GetServiceDescriptor().GetName(), req.GetNamespace())
	}
	return &collector.RegisterServiceResponse{
		Status:            okStatus(),
		ServiceId:         done.index.id(done.service),
		RegisteredMethods: done.service.methodNames(),
		Report:            reportOf(done.changes),
		Revision:          done.revision,
	}, nil
}

// register applies a registration, and leaves everything as it was if that fails, changes nothing, or is a dry run.
func (r *Registry) register(ctx context.Context, reg registration) (*registered, error) {
	var done *registered
	revision, err := r.update(ctx, reg.namespace, func(v *view, n *namespaceEdit) (*change, bool, error) {
		var err error
		if done, err = reg.apply(v, n, r.limits, time.Now()); err != nil || reg.dryRun || done.kept.empty() {
			return nil, false, err
		}
		return done.kept, true, nil
	})
	if err != nil {
		return nil, err
	}
	done.revision = revision
	return done, nil
}
