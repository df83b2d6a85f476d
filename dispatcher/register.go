package dispatcher

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/collectiverpc/collective/dispatcher/internal/handler"
	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/internal/name"
)

// ErrRegistration is in the chain of every refusal to register. Its text lists every problem found.
var ErrRegistration = errors.New("registration refused")

// Register adds what fn registers, typically with generated code, to a namespace. It takes effect at once, all or
// nothing. It is refused when the namespace is not one of this collector's, when a procedure is registered already
// (the error names what is there), and when fn panics. fn runs once, before Register returns.
//
//	err := d.Register("users", func(s *connect.Server) { usersv1connect.RegisterUserServiceHandler(s, users{}) })
func (d *Dispatcher) Register(namespace string, fn func(*connect.Server)) error {
	server := d.newServer()
	if err := callRegister(fn, server); err != nil {
		return d.registrationError(namespace, []string{err.Error()})
	}
	var specs []connect.Spec
	for spec := range server.Specs() {
		specs = append(specs, spec)
	}
	return d.addServer(namespace, server, specs)
}

// callRegister keeps a panic of setup code, such as connect's own on a duplicate, from ending the process.
func callRegister(fn func(*connect.Server), server *connect.Server) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the registering function panicked: %v", p)
		}
	}()
	fn(server)
	return nil
}

// RegisterDynamic adds every method of a service to a namespace, all served by fn. Nothing needs to be generated: fn
// finds the method descriptor in spec.Schema and receives into and sends messages of package dynamicpb.
func (d *Dispatcher) RegisterDynamic(namespace string, service protoreflect.ServiceDescriptor, fn connect.ServerFunc) error {
	if service == nil || fn == nil {
		return d.registrationError(namespace, []string{"the service descriptor or the function is nil"})
	}
	methods := make([]connect.Method, 0, service.Methods().Len())
	for i := range service.Methods().Len() {
		methods = append(methods, connect.Method{Spec: hosted.SpecOf(service.Methods().Get(i)), Handler: fn})
	}
	return d.addMethods(namespace, methods)
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
		return d.registrationError(namespace, []string{"the service descriptor or the implementation is nil"})
	}
	methods, problems := handler.Bind(service, implementation)
	if len(problems) > 0 {
		return d.registrationError(namespace, problems)
	}
	return d.addMethods(namespace, methods)
}

// Unregister removes every method of a service from a namespace and reports whether there was any. service is a full
// name. Calls that run already end as they would.
func (d *Dispatcher) Unregister(namespace, service string) bool {
	return d.remove(namespace, func(m *hosted.Method) bool { return m.Service == service })
}

// UnregisterMethod removes one method of a service, given by its full name, from a namespace and reports whether it
// was there.
func (d *Dispatcher) UnregisterMethod(namespace, service, methodName string) bool {
	return d.remove(namespace, func(m *hosted.Method) bool { return m.Service == service && m.Name == methodName })
}

// newServer is an empty server with the interceptors of this collector.
func (d *Dispatcher) newServer() *connect.Server { return connect.NewServer(d.interceptors...) }

func (d *Dispatcher) addMethods(namespace string, methods []connect.Method) error {
	server := d.newServer()
	specs := make([]connect.Spec, 0, len(methods))
	for _, m := range methods {
		specs = append(specs, m.Spec)
	}
	if err := callRegister(func(s *connect.Server) { s.Register(methods...) }, server); err != nil {
		return d.registrationError(namespace, []string{err.Error()})
	}
	return d.addServer(namespace, server, specs)
}

// addServer publishes what is registered on a server. The server must not change any more.
func (d *Dispatcher) addServer(namespace string, server *connect.Server, specs []connect.Spec) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	current := d.methods.Snapshot()
	problems := d.checkSpace(namespace)
	if len(specs) == 0 {
		problems = append(problems, "there is no method in it")
	}
	methods := make([]*hosted.Method, 0, len(specs))
	for _, spec := range specs {
		m, problem := checkedMethod(namespace, spec, server, current)
		if problem != "" {
			problems = append(problems, problem)
			continue
		}
		methods = append(methods, m)
	}
	if len(problems) > 0 {
		return d.registrationError(namespace, problems)
	}
	if err := d.tellValidator(namespace, methods); err != nil {
		return d.registrationError(namespace, []string{"the registry: " + err.Error()})
	}
	d.publish(current.With(methods))
	return nil
}

func checkedMethod(namespace string, spec connect.Spec, server *connect.Server, current *hosted.Snapshot) (*hosted.Method, string) {
	m, err := hosted.NewMethod(namespace, spec, server)
	if err != nil {
		return nil, err.Error()
	}
	if hosted.OwnService(m.Service) {
		return nil, refusal.Spoken(spec.Procedure) + " belongs to the collector itself"
	}
	if there, ok := current.Methods[namespace][spec.Procedure]; ok {
		return nil, refusal.Spoken(spec.Procedure) + " is registered already: " + there.String()
	}
	return m, ""
}

// checkSpace refuses namespaces that this collector did not declare: peers would never hear of them.
func (d *Dispatcher) checkSpace(namespace string) []string {
	if slices.Contains(d.namespaces, namespace) {
		return nil
	}
	if err := name.CheckNamespace(namespace); err != nil {
		return []string{err.Error()}
	}
	return []string{"collector " + refusal.Quoted(d.id) + " was made for the namespaces " + refusal.Enumerate(d.namespaces) + "; add it to New"}
}

func (d *Dispatcher) registrationError(namespace string, problems []string) error {
	return fmt.Errorf("%w: namespace %s: %s", ErrRegistration, refusal.Quoted(namespace), strings.Join(problems, "; "))
}

// publish makes a change the one that is served and tells the peers. Callers hold d.mu.
func (d *Dispatcher) publish(spaces map[string]map[string]*hosted.Method) {
	d.conns.Announce(d.methods.Replace(spaces).Catalog())
}

func (d *Dispatcher) remove(namespace string, match func(*hosted.Method) bool) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	current := d.methods.Snapshot()
	var gone []*hosted.Method
	for _, m := range current.Methods[namespace] {
		if match(m) {
			gone = append(gone, m)
		}
	}
	if len(gone) == 0 {
		return false
	}
	next := current.Without(gone)
	d.publish(next)
	d.untellValidator(namespace, gone, next[namespace])
	return true
}

// tellValidator gives the services of new methods to a validator that listens. On an error it takes back what it gave.
func (d *Dispatcher) tellValidator(namespace string, methods []*hosted.Method) error {
	v := d.validation.current.Load()
	if v == nil || v.services == nil {
		return nil
	}
	var given []string
	for full, service := range hosted.ServicesOf(methods) {
		if err := v.services.AddService(namespace, service); err != nil {
			for _, name := range given {
				v.services.RemoveService(namespace, name)
			}
			return err
		}
		given = append(given, full)
	}
	return nil
}

// untellValidator takes those services back of which no method is left.
func (d *Dispatcher) untellValidator(namespace string, gone []*hosted.Method, left map[string]*hosted.Method) {
	v := d.validation.current.Load()
	if v == nil || v.services == nil {
		return
	}
	remaining := hosted.ServicesOf(slices.Collect(maps.Values(left)))
	for full := range hosted.ServicesOf(gone) {
		if _, ok := remaining[full]; !ok {
			v.services.RemoveService(namespace, full)
		}
	}
}
