package dispatcher

import (
	"fmt"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/collectiverpc/collective/dispatcher/internal/handler"
	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
)

// Register adds what fn registers, typically with generated code, to a namespace. It takes effect at once, all or
// nothing. It is refused when the namespace is not one of this collector's, when a procedure is registered already
// (the error names what is there), and when fn panics. fn runs once, before Register returns.
//
//	err := d.Register("users", func(s *connect.Server) { usersv1connect.RegisterUserServiceHandler(s, users{}) })
func (d *Dispatcher) Register(namespace string, fn func(*connect.Server)) error {
	server := d.registrar.newServer()
	if err := callRegister(fn, server); err != nil {
		return d.registrar.refusal(namespace, []string{err.Error()})
	}
	var specs []connect.Spec
	for spec := range server.Specs() {
		specs = append(specs, spec)
	}
	return d.registrar.addServer(namespace, server, specs)
}

// RegisterDynamic adds every method of a service to a namespace, all served by fn. Nothing needs to be generated: fn
// finds the method descriptor in spec.Schema and receives into and sends messages of package dynamicpb.
func (d *Dispatcher) RegisterDynamic(namespace string, service protoreflect.ServiceDescriptor, fn connect.ServerFunc) error {
	if service == nil || fn == nil {
		return d.registrar.refusal(namespace, []string{"the service descriptor or the function is nil"})
	}
	methods := make([]connect.Method, 0, service.Methods().Len())
	for i := range service.Methods().Len() {
		methods = append(methods, connect.Method{Spec: hosted.SpecOf(service.Methods().Get(i)), Handler: fn})
	}
	return d.registrar.add(namespace, methods)
}

// RegisterImplementation adds a whole service to a namespace, served by the methods of a Go value that has the
// generated handler interface of the service, such as usersv1connect.UserServiceHandler:
//
//	unary          Get(context.Context, *Req) (*Res, error)
//	client stream  Sum(context.Context, XServiceSumServerStream) (*Res, error)
//	server stream  Count(context.Context, *Req, XServiceCountServerStream) error
//	bidi           Talk(context.Context, XServiceTalkServerStream) error
//
// A plain connect.ServerStream may stand in for a generated stream type. Methods are matched by name, parameters and
// results by the messages of the descriptor; every mismatch is in the one error. A unary call made this way costs a
// reflect.Value.Call more than one registered by [Dispatcher.Register].
func (d *Dispatcher) RegisterImplementation(namespace string, service protoreflect.ServiceDescriptor, implementation any) error {
	if service == nil || implementation == nil {
		return d.registrar.refusal(namespace, []string{"the service descriptor or the implementation is nil"})
	}
	methods, problems := handler.Bind(service, implementation)
	if len(problems) > 0 {
		return d.registrar.refusal(namespace, problems)
	}
	return d.registrar.add(namespace, methods)
}

// Unregister removes every method of a service from a namespace and reports whether there was any. service is a full
// name. Calls that run already end as they would.
func (d *Dispatcher) Unregister(namespace, service string) bool {
	return d.registrar.remove(namespace, func(m *hosted.Method) bool { return m.Service == service })
}

// UnregisterMethod removes one method of a service, given by its full name, from a namespace and reports whether it
// was there.
func (d *Dispatcher) UnregisterMethod(namespace, service, methodName string) bool {
	return d.registrar.remove(namespace, func(m *hosted.Method) bool { return m.Service == service && m.Name == methodName })
}

// SetRegistryValidator changes who is asked before a call runs here, for calls that start from now on; nil asks nobody.
// A validator that listens to services is first told of those that are registered. On an error nothing changes.
func (d *Dispatcher) SetRegistryValidator(v RegistryValidator) error {
	d.registrar.mu.Lock()
	defer d.registrar.mu.Unlock()
	next := newValidator(v)
	if next != nil && next.services != nil {
		if err := next.tell(d.registrar.methods.Snapshot()); err != nil {
			return fmt.Errorf("registry: %w", err)
		}
	}
	if err := d.own.replace(next); err != nil {
		return err
	}
	d.validation.current.Store(next)
	return nil
}
