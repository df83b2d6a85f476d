package routing

import (
	"maps"
	"slices"

	"connectrpc.com/connect/v2"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// Describe is the services of a namespace as MeshService shows them, in the order of their names. self is this collector.
func (s *NamespaceIndex) Describe(self string) []*meshv1.Service {
	var services []*meshv1.Service
	for _, name := range slices.Sorted(maps.Keys(s.Services)) {
		service := &meshv1.Service{Namespace: s.Name, Name: name}
		for _, methodName := range slices.Sorted(maps.Keys(s.Services[name])) {
			service.Methods = append(service.Methods, s.Services[name][methodName].describe(self))
		}
		services = append(services, service)
	}
	return services
}

// describe is the method as MeshService shows it. self is this collector.
func (e *Entry) describe(self string) *meshv1.Method {
	m := &meshv1.Method{
		Name: e.Method, Procedure: e.Procedure, InputType: e.Input, OutputType: e.Output,
		ClientStreaming: e.Stream&connect.StreamTypeClient != 0,
		ServerStreaming: e.Stream&connect.StreamTypeServer != 0,
	}
	if e.untyped() {
		m.InputType, m.OutputType = "", ""
	}
	if e.Local != nil {
		m.CollectorIds = append(m.CollectorIds, self)
	}
	for _, p := range e.Peers {
		m.CollectorIds = append(m.CollectorIds, p.ID)
	}
	m.Skews = e.skews()
	return m
}

// skews lists who has another schema of a method.
func (e *Entry) skews() []*meshv1.SchemaSkew {
	var list []*meshv1.SchemaSkew
	for _, s := range e.Incompatible {
		list = append(list, &meshv1.SchemaSkew{CollectorId: s.ID, Reason: s.reason, Pending: s.Pending})
	}
	for _, s := range e.Variants {
		list = append(list, &meshv1.SchemaSkew{CollectorId: s.ID, Compatible: true, Reason: s.reason})
	}
	return list
}
