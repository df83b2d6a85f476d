package dispatcher

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

// resolve finds the procedure that a namespace, a service name and a method name mean. The service may be given by its
// full name, or by its short name if only one service of the namespace, here or on any peer, has it. A method that
// nobody is known to serve resolves only if a seed peer may know it. It does not allocate unless it refuses or asks a
// seed peer.
func (v *view) resolve(namespace, service, method string) (string, *refusal.Refusal) {
	if r := checkNames(namespace, service, method); r != nil {
		return "", r
	}
	s, ok := v.spaces[namespace]
	if !ok {
		return "", v.unknownNamespace(namespace)
	}
	full, r := s.fullName(service)
	if r != nil {
		return "", r
	}
	if e, ok := s.services[full][method]; ok {
		return e.procedure, nil
	}
	if len(s.seeds) > 0 {
		return name.Procedure(full, method), nil
	}
	return "", v.unknownMethod(s, call{namespace: namespace, procedure: name.Procedure(full, method)})
}

// fullName is the full name of a service; the name itself if no service has it.
func (s *space) fullName(service string) (string, *refusal.Refusal) {
	if _, ok := s.services[service]; ok {
		return service, nil
	}
	switch full := s.short[service]; len(full) {
	case 0:
		return service, nil
	case 1:
		return full[0], nil
	default:
		return "", refusal.New(connect.CodeInvalidArgument, mesh.ReasonServiceAmbiguous,
			"service "+refusal.Quoted(service)+" is ambiguous in namespace "+refusal.Quoted(s.name)+"; use one of "+refusal.Enumerate(full))
	}
}

// checkNames refuses what cannot be a name, before anything is looked up.
func checkNames(namespace, service, method string) *refusal.Refusal {
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

// namespaceOf finds the namespace of a call that names none: the only one in which the procedure is served.
func (v *view) namespaceOf(procedure string) (string, *refusal.Refusal) {
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
func (v *view) spaceOfService(service, method string) (string, *refusal.Refusal) {
	var found []string
	for _, namespace := range slices.Sorted(maps.Keys(v.spaces)) {
		s := v.spaces[namespace]
		if s.services[service] != nil || len(s.short[service]) > 0 {
			found = append(found, namespace)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		if r := checkNames("any", service, method); r != nil {
			return "", r
		}
		return "", v.unknownEverywhere(name.Procedure(service, method))
	}
	return "", refusal.New(connect.CodeFailedPrecondition, mesh.ReasonNamespaceAmbiguous,
		"service "+refusal.Quoted(service)+" is in several namespaces: "+refusal.Enumerate(found)+"; name one")
}

func (v *view) unknownNamespace(namespace string) *refusal.Refusal {
	known := slices.Sorted(maps.Keys(v.spaces))
	return refusal.New(connect.CodeNotFound, mesh.ReasonNamespaceUnknown,
		"collector "+refusal.Quoted(v.self)+" has no namespace "+refusal.Quoted(namespace)+"; it has "+refusal.Enumerate(known))
}

// unknownMethod says which part of a name is wrong and what is near it.
func (v *view) unknownMethod(s *space, c call) *refusal.Refusal {
	service, method, err := name.SplitProcedure(c.procedure)
	if err != nil {
		return refusal.New(connect.CodeInvalidArgument, mesh.ReasonInvalidRequest, err.Error())
	}
	message := "namespace " + refusal.Quoted(s.name) + " has no service " + refusal.Quoted(service) + refusal.Suggest(service, s.serviceNames())
	if methods, ok := s.services[service]; ok {
		message = "service " + service + " in namespace " + refusal.Quoted(s.name) + " has no method " + refusal.Quoted(method) +
			refusal.Suggest(method, slices.Sorted(maps.Keys(methods)))
	}
	if owners := v.owners[c.procedure]; len(owners) > 0 && !slices.Contains(owners, s.name) {
		message += "; it is served in namespace " + refusal.Enumerate(owners)
	}
	r := v.unlessSilent(refusal.New(connect.CodeUnimplemented, mesh.ReasonMethodUnknown, message), c)
	r.Looked = &examined{v, s, s.entries[c.procedure], c}
	return r
}

// unlessSilent turns the refusal of a method that nobody is known to serve into unavailable while a peer that may serve
// it is yet to say so: after a restart, on either side, connections are known before their peers have been heard.
func (v *view) unlessSilent(r *refusal.Refusal, c call) *refusal.Refusal {
	var silent []*station
	for _, id := range slices.Sorted(maps.Keys(v.stations)) {
		if st := v.stations[id]; st.mayServe(c) {
			silent = append(silent, st)
		}
	}
	if len(silent) == 0 {
		return r
	}
	return refusal.New(connect.CodeUnavailable, mesh.ReasonUnreachable,
		r.Message+"; collectors that have not said yet what they serve: "+blame(silent)+"; call again when they are back")
}

// mayServe reports whether it cannot be told now whether a peer serves a method that no catalog names. A call without a
// namespace may be in any. A seed peer never says what it serves, so one that is away may serve whatever it can be sent.
func (st *station) mayServe(c call) bool {
	if c.namespace != "" && !st.shares(c.namespace) || c.target != "" && c.target != st.ID {
		return false
	}
	return st.Silent || st.Seed && !c.raw && st.State == collector.ConnectionState_CONNECTION_STATE_STALE
}

// unknownEverywhere refuses a procedure that no namespace has.
func (v *view) unknownEverywhere(procedure string) *refusal.Refusal {
	if _, _, err := name.SplitProcedure(procedure); err != nil {
		return refusal.New(connect.CodeUnimplemented, mesh.ReasonMethodUnknown, err.Error())
	}
	hint := refusal.Suggest(procedure, slices.Sorted(maps.Keys(v.owners)))
	r := refusal.New(connect.CodeUnimplemented, mesh.ReasonMethodUnknown,
		"no namespace of collector "+refusal.Quoted(v.self)+" has "+refusal.Spoken(procedure)+strings.ReplaceAll(hint, " /", " "))
	return v.unlessSilent(r, call{procedure: procedure, raw: true})
}
