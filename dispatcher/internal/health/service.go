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
// The protocol has resource_exhausted for a longer one, rather than to cut it short.
const maxHealthList = 10_000

// servingStatus is a grpc.health.v1.HealthCheckResponse.ServingStatus.
// Zero, which is UNKNOWN there, is never answered: watch has it for a client that was told nothing yet.
type servingStatus protoreflect.EnumNumber

const (
	serving        servingStatus = 1
	notServing     servingStatus = 2
	serviceUnknown servingStatus = 3
)

// Own are the collector's own services. They are served whatever the peers do, and are in no namespace.
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
	// It is called before they are asked, or a change between the two would be missed.
	Changes  func() Changes
	Draining <-chan struct{} // closed when the collector is about to stop
}

// Changes are of the three things that decide what can be answered.
// One that is not expected to change may be nil, on which a select waits for ever.
type Changes struct{ Peers, Registered, Own <-chan struct{} }

// service is grpc.health.v1.Health.
// Its methods may run at the same time: it has nothing of its own that changes.
type service struct {
	Config
	answer, everything protoreflect.MessageDescriptor
}

// Register serves grpc.health.v1.Health of what a collector can answer: here or on a peer that it reaches.
// The messages are dynamic, since there is no generated code. The error is only that of a schema that cannot be built.
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

// check answers the status of one service. The protocol wants not_found for one that is not known, unlike watch, which
// answers SERVICE_UNKNOWN and waits for it to come. Nothing is unknown for good while a peer is yet to say what it serves.
func (s service) check(_ context.Context, in any) (any, error) {
	name := s.nameIn(in)
	status := s.statusOf(name)
	if status == serviceUnknown && s.View().Unheard() {
		return nil, connect.NewError(connect.CodeUnavailable,
			"service "+refusal.Quoted(name)+" is not known yet: peers have not said what they serve; ask again")
	}
	if status == serviceUnknown {
		return nil, connect.NewError(connect.CodeNotFound,
			"no collector of this mesh that is known here has a service "+refusal.Quoted(name)+"; ask by the full name, such as users.v1.UserService")
	}
	return s.response(status), nil
}

// list answers everything that check knows.
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
// Nothing is sent twice in a row, although most changes of the view concern other services. A client that reads slowly
// gets the latest status next, not every one in between.
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
// Load balancers take this collector out at once and need not wait for the stream to break.
func (s service) goodbye(stream connect.ServerStream, told servingStatus) error {
	if told != notServing {
		if err := stream.Send(s.response(notServing)); err != nil {
			return err
		}
	}
	return connect.NewError(connect.CodeUnavailable, "collector "+refusal.Quoted(s.Self)+" is shutting down")
}

// nameIn is the service that a request asks for.
func (s service) nameIn(in any) string {
	request, ok := in.(*dynamicpb.Message)
	if !ok {
		return ""
	}
	return request.Get(request.Descriptor().Fields().ByName("service")).String()
}

// response is a HealthCheckResponse of the status.
func (s service) response(status servingStatus) protoreflect.Message {
	res := dynamicpb.NewMessage(s.answer)
	res.Set(s.answer.Fields().ByName("status"), protoreflect.ValueOfEnum(protoreflect.EnumNumber(status)))
	return res
}

// statusOf is that of a service in whatever namespace: it is serving if any of its methods can be answered. The empty
// name stands for the collector itself.
// A collector that is about to stop serves nothing, whatever the view says. A service that is known and cannot be answered
// is not serving rather than unknown: it is expected back.
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

// statusOfMethods is serving if anybody can run any of the methods now. Seed peers do not count: they do not say what
// they serve.
func statusOfMethods(methods map[string]*routing.Entry) servingStatus {
	for _, e := range methods {
		if e.Local != nil || len(e.Peers) > 0 {
			return serving
		}
	}
	return notServing
}

// statuses are those of everything that Check knows.
// A service of several namespaces is in it once, by the rule of statusOf.
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
