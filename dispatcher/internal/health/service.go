package health

import (
	"context"
	"strconv"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/collectiverpc/collective/dispatcher/internal/handler"
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

// Own are the collector's own services.
type Own interface {
	// Names are their full names.
	Names() []string
	// Has reports whether a service, by its full name, is one of them.
	Has(service string) bool
}

// Config is what the health of a collector follows from.
type Config struct {
	Self string // the collector's id
	View func() *routing.View
	Own  func() Own
	// Changes are closed when View or Own may answer otherwise than before Changes was called.
	Changes  func() Changes
	Draining <-chan struct{} // closed when the collector is about to stop
}

// Changes are of the three things that decide what can be answered.
type Changes struct{ Peers, Registered, Own <-chan struct{} }

// service is grpc.health.v1.Health.
type service struct {
	Config
	answer, everything protoreflect.MessageDescriptor
}

// Register serves grpc.health.v1.Health of what a collector can answer: here or on a peer that it reaches.
func Register(server *connect.Server, config Config) error {
	schema, err := schema()
	if err != nil {
		return err
	}
	methods := schema.Methods()
	s := service{Config: config, answer: methods.ByName("Check").Output(), everything: methods.ByName("List").Output()}
	receive := func(name protoreflect.Name) func() any {
		return func() any { return dynamicpb.NewMessage(methods.ByName(name).Input()) }
	}
	server.Register(
		connect.Method{Spec: hosted.SpecOf(methods.ByName("Check")), Handler: handler.Unary(receive("Check"), s.check)},
		connect.Method{Spec: hosted.SpecOf(methods.ByName("List")), Handler: handler.Unary(receive("List"), s.list)},
		connect.Method{Spec: hosted.SpecOf(methods.ByName("Watch")), Handler: s.watch},
	)
	return nil
}

func (s service) check(_ context.Context, in any) (any, error) {
	name := s.nameIn(in)
	status := s.statusOf(name)
	if status == serviceUnknown {
		return nil, connect.NewError(connect.CodeNotFound,
			"no collector of this mesh that is known here has a service "+refusal.Quoted(name)+"; ask by the full name, such as users.v1.UserService")
	}
	return s.response(status), nil
}

func (s service) list(context.Context, any) (any, error) {
	statuses := s.statuses()
	if len(statuses) > maxHealthList {
		return nil, connect.NewError(connect.CodeResourceExhausted,
			"there are more than "+strconv.Itoa(maxHealthList)+" services; ask for each with Check or Watch")
	}
	res := dynamicpb.NewMessage(s.everything)
	entries := res.Mutable(s.everything.Fields().ByName("statuses")).Map()
	for name, status := range statuses {
		entries.Set(protoreflect.ValueOfString(name).MapKey(), protoreflect.ValueOfMessage(s.response(status)))
	}
	return res, nil
}

// watch sends the status of a service now and whenever it becomes another one, until the collector shuts down.
func (s service) watch(ctx context.Context, _ connect.Spec, stream connect.ServerStream) error {
	in := dynamicpb.NewMessage(s.answer.ParentFile().Messages().ByName("HealthCheckRequest"))
	if err := stream.Receive(in); err != nil {
		return err
	}
	name := s.nameIn(in)
	var told servingStatus
	for {
		changes := s.Changes()
		if status := s.statusOf(name); status != told {
			if err := stream.Send(s.response(status)); err != nil {
				return err
			}
			told = status
		}
		select {
		case <-changes.Peers:
		case <-changes.Registered:
		case <-changes.Own:
		case <-s.Draining:
			return s.goodbye(stream, told)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// goodbye says last that nothing is served any more.
func (s service) goodbye(stream connect.ServerStream, told servingStatus) error {
	if told != notServing {
		if err := stream.Send(s.response(notServing)); err != nil {
			return err
		}
	}
	return connect.NewError(connect.CodeUnavailable, "collector "+refusal.Quoted(s.Self)+" is shutting down")
}

func (s service) nameIn(in any) string {
	request, ok := in.(*dynamicpb.Message)
	if !ok {
		return ""
	}
	return request.Get(request.Descriptor().Fields().ByName("service")).String()
}

func (s service) response(status servingStatus) protoreflect.Message {
	res := dynamicpb.NewMessage(s.answer)
	res.Set(s.answer.Fields().ByName("status"), protoreflect.ValueOfEnum(protoreflect.EnumNumber(status)))
	return res
}

// statusOf is that of a service in whatever namespace: it is serving if any of its methods can be answered. The empty
// name stands for the collector itself.
func (s service) statusOf(name string) servingStatus {
	select {
	case <-s.Draining:
		return notServing
	default:
	}
	if name == "" || s.Own().Has(name) {
		return serving
	}
	status := serviceUnknown
	for _, space := range s.View().Namespaces {
		if methods, ok := space.Services[name]; ok {
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
func (s service) statuses() map[string]servingStatus {
	statuses := map[string]servingStatus{"": s.statusOf("")}
	for _, name := range s.Own().Names() {
		statuses[name] = s.statusOf(name)
	}
	for _, space := range s.View().Namespaces {
		for name := range space.Services {
			statuses[name] = s.statusOf(name)
		}
	}
	return statuses
}
