package dispatcher

import (
	"context"
	"strconv"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
)

// maxHealthList bounds an answer of List.
const maxHealthList = 10_000

// servingStatus is a grpc.health.v1.HealthCheckResponse.ServingStatus.
type servingStatus protoreflect.EnumNumber

const (
	serving        servingStatus = 1
	notServing     servingStatus = 2
	serviceUnknown servingStatus = 3
)

// health is grpc.health.v1.Health of what this collector can answer: here or on a peer that it reaches.
type health struct {
	dispatcher         *Dispatcher
	answer, everything protoreflect.MessageDescriptor
}

func (d *Dispatcher) registerHealth(server *connect.Server) error {
	schema, err := healthSchema()
	if err != nil {
		return err
	}
	methods := schema.Methods()
	h := health{dispatcher: d, answer: methods.ByName("Check").Output(), everything: methods.ByName("List").Output()}
	receive := func(name protoreflect.Name) func() any {
		return func() any { return dynamicpb.NewMessage(methods.ByName(name).Input()) }
	}
	server.Register(
		connect.Method{Spec: hosted.SpecOf(methods.ByName("Check")), Handler: unaryHandler(receive("Check"), h.check)},
		connect.Method{Spec: hosted.SpecOf(methods.ByName("List")), Handler: unaryHandler(receive("List"), h.list)},
		connect.Method{Spec: hosted.SpecOf(methods.ByName("Watch")), Handler: h.watch},
	)
	return nil
}

func (h health) check(_ context.Context, in any) (any, error) {
	service := h.serviceOf(in)
	status := h.dispatcher.statusOf(service)
	if status == serviceUnknown {
		return nil, connect.NewError(connect.CodeNotFound,
			"no collector of this mesh that is known here has a service "+refusal.Quoted(service)+"; ask by the full name, such as users.v1.UserService")
	}
	return h.response(status), nil
}

func (h health) list(context.Context, any) (any, error) {
	statuses := h.dispatcher.statuses()
	if len(statuses) > maxHealthList {
		return nil, connect.NewError(connect.CodeResourceExhausted,
			"there are more than "+strconv.Itoa(maxHealthList)+" services; ask for each with Check or Watch")
	}
	res := dynamicpb.NewMessage(h.everything)
	entries := res.Mutable(h.everything.Fields().ByName("statuses")).Map()
	for service, status := range statuses {
		entries.Set(protoreflect.ValueOfString(service).MapKey(), protoreflect.ValueOfMessage(h.response(status)))
	}
	return res, nil
}

// watch sends the status of a service now and whenever it becomes another one, until the collector shuts down.
func (h health) watch(ctx context.Context, _ connect.Spec, stream connect.ServerStream) error {
	in := dynamicpb.NewMessage(h.answer.ParentFile().Messages().ByName("HealthCheckRequest"))
	if err := stream.Receive(in); err != nil {
		return err
	}
	d, service := h.dispatcher, h.serviceOf(in)
	var told servingStatus
	for {
		peers, local, system := d.conns.Changed(), d.methods.Snapshot().Replaced, d.system.Load().replaced
		if status := d.statusOf(service); status != told {
			if err := stream.Send(h.response(status)); err != nil {
				return err
			}
			told = status
		}
		select {
		case <-peers:
		case <-local:
		case <-system:
		case <-d.draining:
			return h.goodbye(stream, told)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// goodbye says last that nothing is served any more.
func (h health) goodbye(stream connect.ServerStream, told servingStatus) error {
	if told != notServing {
		if err := stream.Send(h.response(notServing)); err != nil {
			return err
		}
	}
	return connect.NewError(connect.CodeUnavailable, "collector "+refusal.Quoted(h.dispatcher.id)+" is shutting down")
}

func (h health) serviceOf(in any) string {
	request, ok := in.(*dynamicpb.Message)
	if !ok {
		return ""
	}
	return request.Get(request.Descriptor().Fields().ByName("service")).String()
}

func (h health) response(status servingStatus) protoreflect.Message {
	res := dynamicpb.NewMessage(h.answer)
	res.Set(h.answer.Fields().ByName("status"), protoreflect.ValueOfEnum(protoreflect.EnumNumber(status)))
	return res
}

// statusOf is that of a service in whatever namespace: it is serving if any of its methods can be answered. The empty
// name stands for the collector itself.
func (d *Dispatcher) statusOf(service string) servingStatus {
	select {
	case <-d.draining:
		return notServing
	default:
	}
	if service == "" || d.system.Load().has(service) {
		return serving
	}
	status := serviceUnknown
	for _, space := range d.view().Namespaces {
		if methods, ok := space.Services[service]; ok {
			status = min(status, statusOfMethods(methods)) // serving is the least
		}
	}
	return status
}

func statusOfMethods(methods map[string]*routing.Entry) servingStatus {
	for _, e := range methods {
		if e.Local != nil || len(e.Peers) > 0 {
			return serving
		}
	}
	return notServing
}

// statuses are those of everything that Check knows.
func (d *Dispatcher) statuses() map[string]servingStatus {
	statuses := map[string]servingStatus{"": d.statusOf("")}
	for _, service := range d.system.Load().names() {
		statuses[service] = d.statusOf(service)
	}
	for _, space := range d.view().Namespaces {
		for service := range space.Services {
			statuses[service] = d.statusOf(service)
		}
	}
	return statuses
}
