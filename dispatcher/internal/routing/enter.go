package routing

import (
	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/internal/name"
	"github.com/collectiverpc/collective/mesh"
)

// A process that only calls has one peer, its entrance, which routes its calls. What the process knows decides nothing: it
// sends what the entrance has not announced, too, and hears from there why a call cannot be taken.

// enter decides a call of a process that has an entrance.
// The entry is only a hint: nil if the entrance has not announced the method.
func (v *View) enter(c Call) Decision {
	if r := v.refusesEntering(c.Namespace, c.Procedure); r != nil {
		return Decision{Refusal: r}
	}
	return Decision{peers: v.Entrance.alone, Entry: v.entry(c.Namespace, c.Procedure)}
}

// refusesEntering refuses what an entrance cannot be asked. As long as the link may come back, that is no final word.
func (v *View) refusesEntering(namespace, procedure string) *refusal.Refusal {
	p := v.Entrance
	service, _, err := name.SplitProcedure(procedure)
	switch {
	case err != nil, namespace == "" && hosted.OwnService(service):
		return v.unknownEverywhere(procedure)
	case namespace != "" && v.Namespaces[namespace] == nil:
		return v.UnknownNamespace(namespace)
	case !p.Routable:
		return refusal.New(connect.CodeUnavailable, mesh.ReasonUnreachable,
			"collector "+refusal.Quoted(p.ID)+" cannot be reached: "+p.condition()+"; call again when it is back")
	}
	return nil
}

// WrongStream refuses a call of another stream kind than the method has.
func (e *Entry) WrongStream(spec connect.Spec) *refusal.Refusal {
	return refusal.New(connect.CodeUnimplemented, mesh.ReasonMethodUnknown,
		refusal.Spoken(spec.Procedure)+" is a "+e.Stream.String()+" method there, not a "+spec.StreamType.String()+
			" one: the client was generated from another schema")
}
