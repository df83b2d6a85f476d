package routing

import (
	"maps"
	"slices"
	"strings"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/internal/name"
	"github.com/collectiverpc/collective/mesh"
)

// Resolve finds the procedure that a namespace, a service name and a method name mean. The service may be given by its
// full name, or by its short name if only one service of the namespace, here or on any peer, has it. A method that
// nobody is known to serve resolves only if a seed peer may know it. It does not allocate unless it refuses or asks a
// seed peer.
func (v *View) Resolve(namespace, service, method string) (string, *refusal.Refusal) {
	if r := CheckNames(namespace, service, method); r != nil {
		return "", r
	}
	s, ok := v.Namespaces[namespace]
	if !ok {
		return "", v.UnknownNamespace(namespace)
	}
	full, r := s.fullName(service)
	if r != nil {
		return "", r
	}
	if e, ok := s.Services[full][method]; ok {
		return e.Procedure, nil
	}
	if len(s.seeds) > 0 {
		return name.Procedure(full, method), nil
	}
	return "", v.unknownMethod(s, Call{Namespace: namespace, Procedure: name.Procedure(full, method)})
}

// fullName is the full name of a service; the name itself if no service has it.
// So the caller's own words come back in the refusal that follows.
func (s *NamespaceIndex) fullName(service string) (string, *refusal.Refusal) {
	if _, ok := s.Services[service]; ok {
		return service, nil
	}
	switch full := s.short[service]; len(full) {
	case 0:
		return service, nil
	case 1:
		return full[0], nil
	default:
		return "", refusal.New(connect.CodeInvalidArgument, mesh.ReasonServiceAmbiguous,
			"service "+refusal.Quoted(service)+" is ambiguous in namespace "+refusal.Quoted(s.Name)+"; use one of "+refusal.Enumerate(full))
	}
}

// CheckNames refuses what cannot be a name, before anything is looked up.
// Names are bounded and of few characters, and errors repeat them: without this a caller could put anything there.
func CheckNames(namespace, service, method string) *refusal.Refusal {
	switch {
	case namespace == "":
		return refusal.New(connect.CodeInvalidArgument, mesh.ReasonInvalidRequest, "namespace is empty: name the namespace of the call")
	case service == "":
		return refusal.New(connect.CodeInvalidArgument, mesh.ReasonInvalidRequest, "service name is empty: give a short or full service name")
	case method == "":
		return refusal.New(connect.CodeInvalidArgument, mesh.ReasonInvalidRequest, "method name is empty: give the name of a method of "+refusal.Quoted(service))
	}
	for _, err := range []error{name.CheckNamespace(namespace), name.CheckService(service), name.CheckMethod(method)} {
		if err != nil {
			return refusal.New(connect.CodeInvalidArgument, mesh.ReasonInvalidRequest, err.Error())
		}
	}
	return nil
}

// NamespaceOf finds the namespace of a call that names none: the only one in which the procedure is served.
func (v *View) NamespaceOf(procedure string) (string, *refusal.Refusal) {
	switch owners := v.owners[procedure]; len(owners) {
	case 1:
		return owners[0], nil
	case 0:
		return "", v.unknownEverywhere(procedure)
	default:
		return "", refusal.New(connect.CodeFailedPrecondition, mesh.ReasonNamespaceAmbiguous,
			refusal.Spoken(procedure)+" is served in several namespaces: "+refusal.Enumerate(owners)+"; name one in the header "+mesh.HeaderNamespace)
	}
}

// spaceOfService finds the only namespace that has a service, given by its short or full name.
func (v *View) spaceOfService(service, method string) (string, *refusal.Refusal) {
	var found []string
	for _, namespace := range slices.Sorted(maps.Keys(v.Namespaces)) {
		s := v.Namespaces[namespace]
		if s.Services[service] != nil || len(s.short[service]) > 0 {
			found = append(found, namespace)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		if r := CheckNames("any", service, method); r != nil {
			return "", r
		}
		return "", v.unknownEverywhere(name.Procedure(service, method))
	}
	return "", refusal.New(connect.CodeFailedPrecondition, mesh.ReasonNamespaceAmbiguous,
		"service "+refusal.Quoted(service)+" is in several namespaces: "+refusal.Enumerate(found)+"; name one")
}

// UnknownNamespace refuses a namespace that this collector does not have.
func (v *View) UnknownNamespace(namespace string) *refusal.Refusal {
	known := slices.Sorted(maps.Keys(v.Namespaces))
	return refusal.New(connect.CodeNotFound, mesh.ReasonNamespaceUnknown,
		"collector "+refusal.Quoted(v.Self)+" has no namespace "+refusal.Quoted(namespace)+"; it has "+refusal.Enumerate(known))
}

// unknownMethod says which part of a name is wrong and what is near it.
func (v *View) unknownMethod(s *NamespaceIndex, c Call) *refusal.Refusal {
	service, method, err := name.SplitProcedure(c.Procedure)
	if err != nil {
		return refusal.New(connect.CodeInvalidArgument, mesh.ReasonInvalidRequest, err.Error())
	}
	message := "namespace " + refusal.Quoted(s.Name) + " has no service " + refusal.Quoted(service) + refusal.Suggest(service, s.serviceNames())
	if methods, ok := s.Services[service]; ok {
		message = "service " + service + " in namespace " + refusal.Quoted(s.Name) + " has no method " + refusal.Quoted(method) +
			refusal.Suggest(method, refusal.Names(methods))
	}
	if owners := v.owners[c.Procedure]; len(owners) > 0 && !slices.Contains(owners, s.Name) {
		message += "; it is served in namespace " + refusal.Enumerate(owners)
	}
	r := v.unlessSilent(refusal.New(connect.CodeUnimplemented, mesh.ReasonMethodUnknown, message), c)
	r.Looked = &examined{v, s, s.Entries[c.Procedure], c}
	return r
}

// unlessSilent turns the refusal of a method that nobody is known to serve into unavailable while a peer that may serve
// it is yet to say so: after a restart, on either side, connections are known before their peers have been heard.
func (v *View) unlessSilent(r *refusal.Refusal, c Call) *refusal.Refusal {
	var silent []*RoutePeer
	for _, id := range slices.Sorted(maps.Keys(v.Peers)) {
		if p := v.Peers[id]; p.mayServe(c) {
			silent = append(silent, p)
		}
	}
	if len(silent) == 0 {
		return r
	}
	return refusal.New(connect.CodeUnavailable, mesh.ReasonUnreachable,
		r.Message+"; collectors that have not said yet what they serve: "+blame(silent)+"; call again when they are back")
}

// Unheard reports whether a peer that is known is yet to say what it serves.
func (v *View) Unheard() bool {
	for _, p := range v.Peers {
		if p.Silent {
			return true
		}
	}
	return false
}

// unknownEverywhere refuses a procedure that no namespace has.
func (v *View) unknownEverywhere(procedure string) *refusal.Refusal {
	if _, _, err := name.SplitProcedure(procedure); err != nil {
		return refusal.New(connect.CodeUnimplemented, mesh.ReasonMethodUnknown, err.Error())
	}
	hint := refusal.Suggest(procedure, refusal.Names(v.owners))
	r := refusal.New(connect.CodeUnimplemented, mesh.ReasonMethodUnknown,
		"no namespace of collector "+refusal.Quoted(v.Self)+" has "+refusal.Spoken(procedure)+strings.ReplaceAll(hint, " /", " "))
	return v.unlessSilent(r, Call{Procedure: procedure, Raw: true})
}

// Find finds what a path of the native path means. namespace may be empty.
func (v *View) Find(namespace, procedure string) (string, *Entry, *refusal.Refusal) {
	if namespace == "" {
		found, r := v.NamespaceOf(procedure)
		if r != nil {
			return "", nil, r
		}
		namespace = found
	}
	s, ok := v.Namespaces[namespace]
	if !ok {
		return "", nil, v.UnknownNamespace(namespace)
	}
	e, ok := s.Entries[procedure]
	if !ok {
		return "", nil, v.unknownMethod(s, Call{Namespace: namespace, Procedure: procedure, Raw: true})
	}
	return namespace, e, nil
}

// mayServe reports whether it cannot be told now whether a peer serves a method that no catalog names. A call without a
// namespace may be in any. A seed peer never says what it serves, so one that is away may serve whatever it can be sent.
func (p *RoutePeer) mayServe(c Call) bool {
	if c.Namespace != "" && !p.shares(c.Namespace) || c.Target != "" && c.Target != p.ID {
		return false
	}
	return p.Silent || p.Seed && !c.Raw && p.State == collector.ConnectionState_CONNECTION_STATE_STALE
}
