package authz

import (
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
)

// right is what an RPC of the collector's own asks for. Every RPC that the port or a link serves has one, so that none is open
// by being forgotten.
type right struct {
	action access.Action // 0: none, since something else decides
	// peers is whether a peer may ask it over its link without the right: it is how collectors work together, answers no more
	// than the connection shares, and is open to those only with whom there is one.
	peers bool
	// within reads from a message what exactly is asked for; nil where the action says it all. Then the RPC is decided when its
	// message is there, and else before.
	within func(message protoreflect.Message) []question
}

// question is one thing to decide.
type question struct {
	action   access.Action
	resource access.Resource
}

// elsewhere are the RPCs on whom something else decides: package conn on who may link, and the envelopes on each call.
var elsewhere = right{peers: true}

// rights is what each RPC of the collector's own asks for. A test compares it with the contracts.
var rights = map[string]right{
	collectorconnect.CollectiveDispatcherConnectProcedure:  elsewhere,
	collectorconnect.CollectiveDispatcherDispatchProcedure: elsewhere,
	collectorconnect.CollectiveDispatcherServeProcedure:    elsewhere,
	meshv1connect.LinkServiceCarryProcedure:                elsewhere,

	meshv1connect.MeshServiceGetStatusProcedure:             {action: access.Observe},
	meshv1connect.MeshServiceListConnectionsProcedure:       {action: access.Observe, peers: true}, // of which peers see their own part
	meshv1connect.MeshServiceListConnectionChangesProcedure: {action: access.Observe},
	meshv1connect.MeshServiceListCollectorsProcedure:        {action: access.Observe},
	meshv1connect.MeshServiceListDispatchesProcedure:        {action: access.Observe},
	meshv1connect.MeshServiceGetMetricsProcedure:            {action: access.Observe},
	meshv1connect.MeshServiceWatchProcedure:                 {action: access.Observe},
	"/collector.mesh.v1.MeshService/ListTrust":              {action: access.Observe},

	meshv1connect.MeshServiceListServicesProcedure:     {action: access.Describe},
	meshv1connect.MeshServiceGetDescriptorSetProcedure: {action: access.Describe},
	meshv1connect.MeshServiceExplainRouteProcedure:     {action: access.Describe, within: explanation}, // no more than a refused call tells
	meshv1connect.SchemaServiceGetFilesProcedure:       {action: access.Describe, peers: true},

	meshv1connect.MeshServiceConnectToProcedure:        {action: access.Operate},
	meshv1connect.MeshServiceDisconnectProcedure:       {action: access.Operate, peers: true}, // of which package conn takes a peer's goodbye
	meshv1connect.MeshServicePruneConnectionsProcedure: {action: access.Operate},
	"/collector.mesh.v1.MeshService/ForgetTrust":       {action: access.Operate},
	"/collector.mesh.v1.MeshService/ReportConflict":    {action: access.Operate, peers: true},

	"/collector.mesh.v1.OperatorService/WhoAmI":      elsewhere, // everybody may ask who they are
	"/collector.mesh.v1.OperatorService/CreateLogin": {action: access.Operate},
	"/collector.mesh.v1.OperatorService/ListAudit":   {action: access.Operate},

	"/collector.mesh.v1.OperatorService/ExplainAccess": {action: access.Operate},

	collectorconnect.CollectorRegistryRegisterProtoProcedure:   {action: access.Register, within: registration},
	collectorconnect.CollectorRegistryRegisterServiceProcedure: {action: access.Register, within: registration},
	"/collector.CollectorRegistry/UnregisterService":           {action: access.Register, within: registration},
	collectorconnect.CollectorRegistryLookupServiceProcedure:   {action: access.Describe},
	collectorconnect.CollectorRegistryValidateMethodProcedure:  {action: access.Describe},
	collectorconnect.CollectorRegistryListServicesProcedure:    {action: access.Describe},

	"/grpc.health.v1.Health/Check": {action: access.Describe, within: healthOf},
	"/grpc.health.v1.Health/List":  {action: access.Describe},
	"/grpc.health.v1.Health/Watch": {action: access.Describe},

	"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo":      {action: access.Describe},
	"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": {action: access.Describe},
}

// rightTo is what an RPC asks for. What is not in the table was not thought of, or is a program's own beside its registry: it
// is for operators. What does not exist is for everybody, since a newer client has to hear that it is unimplemented.
func rightTo(procedure string) right {
	r, ok := rights[procedure]
	switch {
	case ok:
		return r
	case missing(procedure):
		return elsewhere
	}
	return right{action: access.Operate}
}

// missing is whether a service that this process knows has no such method.
func missing(procedure string) bool {
	service, method, _ := strings.Cut(strings.TrimPrefix(procedure, "/"), "/")
	known, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service))
	if err != nil {
		return false
	}
	sd, ok := known.(protoreflect.ServiceDescriptor)
	return ok && sd.Methods().ByName(protoreflect.Name(method)) == nil
}

// registration is what a request to the registry asks for: to register in its namespace and, for one that forces, to do that
// against the schema that is there.
func registration(m protoreflect.Message) []question {
	r := access.Resource{Namespace: textOf(m, "namespace")}
	asked := []question{{access.Register, r}}
	if field := m.Descriptor().Fields().ByName("force"); field != nil && field.Kind() == protoreflect.BoolKind && m.Get(field).Bool() {
		asked = append(asked, question{access.Force, r})
	}
	return asked
}

// explanation is what a request to explain a route asks for: what is decided of others is for operators.
func explanation(m protoreflect.Message) []question {
	asked := []question{{action: access.Describe}}
	if field := m.Descriptor().Fields().ByName("as"); field != nil && m.Has(field) {
		asked = append(asked, question{action: access.Operate})
	}
	return asked
}

// healthOf is nothing for the health of the collector itself, by which load balancers find out whether to send calls here, and
// which tells whoever can connect no more than that.
func healthOf(m protoreflect.Message) []question {
	if textOf(m, "service") == "" {
		return nil
	}
	return []question{{action: access.Describe}}
}

// textOf is a field of a message by name, since requests to several services are read by one function. A message that has no
// such text is asked about as if it were empty.
func textOf(m protoreflect.Message, name protoreflect.Name) string {
	field := m.Descriptor().Fields().ByName(name)
	if field == nil || field.Kind() != protoreflect.StringKind || field.IsList() {
		return ""
	}
	return m.Get(field).String()
}

// questionsOf are those of a message that an RPC takes. It is only asked of a right that is within messages.
func (r right) questionsOf(msg any) []question {
	message, ok := msg.(proto.Message)
	if !ok {
		return []question{{action: r.action}} // nothing that could be read
	}
	return r.within(message.ProtoReflect())
}
