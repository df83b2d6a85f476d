package registry

import (
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// times is when a record was first made and when it was last changed.
type times struct{ created, updated time.Time }

// service is a service of a namespace. It is immutable: one that changed is another service, which views from then on hold.
type service struct {
	name       string // full
	descriptor protoreflect.ServiceDescriptor
	methods    []*method // in the order of the schema
	local      bool      // the process serves it itself
	times      times
}

// method is a method of a service. Its name is a part of the text that its service's name is a part of; see namesOf.
type method struct {
	service    *service
	name       string
	descriptor protoreflect.MethodDescriptor
}

// call is what a look-up for a call finds. The input stands beside the method, in the same line of cache as what was
// searched for: most calls are asked about that and nothing else of the method.
type call struct {
	*method
	input string // full name of the message
}

// newService takes what a service is called by out of its descriptor once, so that no call has to.
func newService(sd protoreflect.ServiceDescriptor, local bool, times times) *service {
	names := namesOf(sd)
	s := &service{
		name:       names[:len(sd.FullName())],
		descriptor: sd,
		methods:    make([]*method, sd.Methods().Len()),
		local:      local,
		times:      times,
	}
	end := len(s.name)
	for i := range s.methods {
		md := sd.Methods().Get(i)
		start := end
		end += len(md.Name())
		s.methods[i] = &method{service: s, name: names[start:end], descriptor: md}
	}
	return s
}

// namesOf is the full name of a service, and after it the names of its methods, in one piece of memory: a look-up compares
// the name of a service and that of a method, and should not have to fetch them from two places.
func namesOf(sd protoreflect.ServiceDescriptor) string {
	names := new(strings.Builder)
	names.WriteString(string(sd.FullName()))
	for i := range sd.Methods().Len() {
		names.WriteString(string(sd.Methods().Get(i).Name()))
	}
	return strings.Clone(names.String())
}

// key is what a call of the method is looked up by, with the service's full or short name: the latter is an end of the former.
func (m *method) key(serviceName string) key {
	full := m.service.name
	return key{name: full[len(full)-len(serviceName):], method: m.name}
}

// source tells records of the process's own services from registered ones.
func (s *service) source() string {
	if s.local {
		return "local"
	}
	return "registered"
}

// methodNames are the names of the methods in the order of the schema.
func (s *service) methodNames() []string {
	names := make([]string, len(s.methods))
	for i, m := range s.methods {
		names[i] = m.name
	}
	return names
}
