package dispatcher

import (
	"maps"
	"slices"
	"strings"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/internal/name"
)

// resolve finds the procedure that a namespace, a service name and a method name mean. The service may be given by its
// full name, or by its short name if only one service of the namespace, here or on any peer, has it. A method that
// nobody is known to serve resolves only if a seed peer may know it. It does not allocate unless it refuses or asks a
// seed peer.
func (v *view) resolve(namespace, service, method string) (string, *refusal) {
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
func (s *space) fullName(service string) (string, *refusal) {
	if _, ok := s.services[service]; ok {
		return service, nil
	}
	switch full := s.short[service]; len(full) {
	case 0:
		return service, nil
	case 1:
		return full[0], nil
	default:
		return "", refuse(connect.CodeInvalidArgument, reasonServiceAmbiguous,
			"service "+quoted(service)+" is ambiguous in namespace "+quoted(s.name)+"; use one of "+enumerate(full))
	}
}

// checkNames refuses what cannot be a name, before anything is looked up.
func checkNames(namespace, service, method string) *refusal {
	switch {
	case namespace == "":
		return refuse(connect.CodeInvalidArgument, reasonInvalidRequest, "namespace is empty: name the namespace of the call")
	case service == "":
		return refuse(connect.CodeInvalidArgument, reasonInvalidRequest, "service name is empty: give a short or full service name")
	case method == "":
		return refuse(connect.CodeInvalidArgument, reasonInvalidRequest, "method name is empty: give the name of a method of "+quoted(service))
	}
	for _, err := range []error{name.CheckNamespace(namespace), name.CheckService(service), name.CheckMethod(method)} {
		if err != nil {
			return refuse(connect.CodeInvalidArgument, reasonInvalidRequest, err.Error())
		}
	}
	return nil
}

// namespaceOf finds the namespace of a call that names none: the only one in which the procedure is served.
func (v *view) namespaceOf(procedure string) (string, *refusal) {
	switch owners := v.owners[procedure]; len(owners) {
	case 1:
		return owners[0], nil
	case 0:
		return "", v.unknownEverywhere(procedure)
	default:
		return "", refuse(connect.CodeFailedPrecondition, reasonNamespaceAmbiguous,
			spoken(procedure)+" is served in several namespaces: "+enumerate(owners)+"; name one in the header "+headerNamespace)
	}
}

// spaceOfService finds the only namespace that has a service, given by its short or full name.
func (v *view) spaceOfService(service, method string) (string, *refusal) {
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
	return "", refuse(connect.CodeFailedPrecondition, reasonNamespaceAmbiguous,
		"service "+quoted(service)+" is in several namespaces: "+enumerate(found)+"; name one")
}

func (v *view) unknownNamespace(namespace string) *refusal {
	known := slices.Sorted(maps.Keys(v.spaces))
	return refuse(connect.CodeNotFound, reasonNamespaceUnknown,
		"collector "+quoted(v.self)+" has no namespace "+quoted(namespace)+"; it has "+enumerate(known))
}

// unknownMethod says which part of a name is wrong and what is near it.
func (v *view) unknownMethod(s *space, c call) *refusal {
	service, method, err := name.SplitProcedure(c.procedure)
	if err != nil {
		return refuse(connect.CodeInvalidArgument, reasonInvalidRequest, err.Error())
	}
	message := "namespace " + quoted(s.name) + " has no service " + quoted(service) + nearHint(service, s.serviceNames())
	if methods, ok := s.services[service]; ok {
		message = "service " + service + " in namespace " + quoted(s.name) + " has no method " + quoted(method) +
			nearHint(method, slices.Sorted(maps.Keys(methods)))
	}
	if owners := v.owners[c.procedure]; len(owners) > 0 && !slices.Contains(owners, s.name) {
		message += "; it is served in namespace " + enumerate(owners)
	}
	r := v.unlessSilent(refuse(connect.CodeUnimplemented, reasonMethodUnknown, message), c)
	r.looked = &looked{v, s, s.entries[c.procedure], c}
	return r
}

// unlessSilent turns the refusal of a method that nobody is known to serve into unavailable while a peer that may serve
// it is yet to say so: after a restart, on either side, connections are known before their peers have been heard.
func (v *view) unlessSilent(r *refusal, c call) *refusal {
	var silent []*station
	for _, id := range slices.Sorted(maps.Keys(v.stations)) {
		if st := v.stations[id]; st.mayServe(c) {
			silent = append(silent, st)
		}
	}
	if len(silent) == 0 {
		return r
	}
	return refuse(connect.CodeUnavailable, reasonUnreachable,
		r.message+"; collectors that have not said yet what they serve: "+blame(silent)+"; call again when they are back")
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
func (v *view) unknownEverywhere(procedure string) *refusal {
	if _, _, err := name.SplitProcedure(procedure); err != nil {
		return refuse(connect.CodeUnimplemented, reasonMethodUnknown, err.Error())
	}
	hint := nearHint(procedure, slices.Sorted(maps.Keys(v.owners)))
	r := refuse(connect.CodeUnimplemented, reasonMethodUnknown,
		"no namespace of collector "+quoted(v.self)+" has "+spoken(procedure)+strings.ReplaceAll(hint, " /", " "))
	return v.unlessSilent(r, call{procedure: procedure, raw: true})
}
