package registry

import (
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// times is when a record was first made and when it was last changed.
type times struct{ created, updated time.Time }

// service is a service of a namespace. It is immutable.
type service struct {
	name       string // full
	descriptor protoreflect.ServiceDescriptor
	methods    []*method // in the order of the schema
	local      bool      // the process serves it itself
	times      times
}

// method is what a call is checked against.
type method struct {
	service    *service
	name       string
	descriptor protoreflect.MethodDescriptor
	input      string // full name of the message
}

func newService(sd protoreflect.ServiceDescriptor, local bool, times times) *service {
	s := &service{
		name:       string(sd.FullName()),
		descriptor: sd,
		methods:    make([]*method, sd.Methods().Len()),
		local:      local,
		times:      times,
	}
	for i := range s.methods {
		md := sd.Methods().Get(i)
		s.methods[i] = &method{service: s, name: string(md.Name()), descriptor: md, input: string(md.Input().FullName())}
	}
	return s
}

// source tells records of the process's own services from registered ones.
func (s *service) source() string {
	if s.local {
		return "local"
	}
	return "registered"
}

func (s *service) methodNames() []string {
	names := make([]string, len(s.methods))
	for i, m := range s.methods {
		names[i] = m.name
	}
	return names
}
