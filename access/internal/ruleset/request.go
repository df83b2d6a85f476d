package ruleset

import (
	"strings"

	cedar "github.com/cedar-policy/cedar-go"
)

// The types of the entities of the schema.
const (
	typeGroup     = "Group"
	typeMesh      = "Mesh"
	typeNamespace = "Namespace"
	typeService   = "RPCService"
	typeMethod    = "Method"
	typeAction    = "Action"
)

// theMesh is the one entity of its type.
var theMesh = cedar.NewEntityUID(typeMesh, "mesh")

// Request is what is asked of a set.
type Request struct {
	Kind, ID               string
	Groups                 []string
	Action                 string
	Namespace, Procedure   string // /service/method, /service or nothing
	Network, Entrance, Via string
	TLS                    bool
}

// principal is the entity of whoever asks.
func (r *Request) principal() cedar.EntityUID {
	return cedar.NewEntityUID(cedar.EntityType(r.Kind), cedar.String(r.ID))
}

// groups are the entities that the principal is in.
func (r *Request) groups() []cedar.EntityUID {
	uids := make([]cedar.EntityUID, len(r.Groups))
	for i, group := range r.Groups {
		uids[i] = cedar.NewEntityUID(typeGroup, cedar.String(group))
	}
	return uids
}

// context is all four attributes, always: a condition need not ask whether there is one.
func (r *Request) context() cedar.Record {
	return cedar.NewRecord(cedar.RecordMap{
		"network": cedar.String(r.Network), "tls": cedar.Boolean(r.TLS), "entrance": cedar.String(r.Entrance), "via": cedar.String(r.Via),
	})
}

// entities are the principal and the resource with all that they are in, and what the request has of attributes. Groups are
// named by their parents only: they have nothing themselves.
func (r *Request) entities() (resource cedar.EntityUID, entities cedar.EntityMap) {
	entities = make(cedar.EntityMap, 5)
	who := cedar.Entity{UID: r.principal(), Parents: cedar.NewEntityUIDSet(r.groups()...)}
	who.Attributes = cedar.NewRecord(cedar.RecordMap{"id": cedar.String(r.ID)})
	entities[who.UID] = who
	resource = theMesh
	entities[theMesh] = cedar.Entity{UID: theMesh, Attributes: attributes("", "", "")}
	within := []cedar.EntityUID{theMesh}
	place := func(entityType cedar.EntityType, id string, attributes cedar.Record) {
		resource = cedar.NewEntityUID(entityType, cedar.String(id))
		entities[resource] = cedar.Entity{UID: resource, Parents: cedar.NewEntityUIDSet(within...), Attributes: attributes}
		within = append(within, resource)
	}
	if r.Namespace != "" {
		place(typeNamespace, r.Namespace, attributes(r.Namespace, "", ""))
	}
	service, method, _ := strings.Cut(strings.TrimPrefix(r.Procedure, "/"), "/")
	if service != "" {
		place(typeService, service, attributes(r.Namespace, service, ""))
	}
	if method != "" {
		place(typeMethod, service+"/"+method, attributes(r.Namespace, service, method))
	}
	return resource, entities
}

// attributes are those of every type of resource, so that a condition may name them whatever is asked for.
func attributes(namespace, service, method string) cedar.Record {
	return cedar.NewRecord(cedar.RecordMap{
		"namespace": cedar.String(namespace), "service": cedar.String(service), "method": cedar.String(method),
	})
}
