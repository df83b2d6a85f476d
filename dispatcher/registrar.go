package dispatcher

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/internal/name"
)

// registrar changes what is registered here: all of a registration or nothing, one at a time.
type registrar struct {
	self         string
	namespaces   []string                    // in which may be registered, sorted
	interceptors []connect.ServerInterceptor // around every handler
	methods      *hosted.Set
	validation   *validation
	announce     func(changes *meshv1.Catalog) // tells the peers
	// mu orders changes. It is never held while a call runs.
	mu sync.Mutex
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

// newServer is an empty server with the interceptors of this collector.
func (r *registrar) newServer() *connect.Server { return connect.NewServer(r.interceptors...) }

func (r *registrar) add(namespace string, methods []connect.Method) error {
	server := r.newServer()
	specs := make([]connect.Spec, 0, len(methods))
	for _, m := range methods {
		specs = append(specs, m.Spec)
	}
	if err := callRegister(func(s *connect.Server) { s.Register(methods...) }, server); err != nil {
		return r.refusal(namespace, []string{err.Error()})
	}
	return r.addServer(namespace, server, specs)
}

// addServer publishes what is registered on a server. The server must not change any more.
func (r *registrar) addServer(namespace string, server *connect.Server, specs []connect.Spec) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	current := r.methods.Snapshot()
	problems := r.checkNamespace(namespace)
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
		return r.refusal(namespace, problems)
	}
	if err := r.tellValidator(namespace, methods); err != nil {
		return r.refusal(namespace, []string{"the registry: " + err.Error()})
	}
	r.publish(methods, nil)
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

// checkNamespace refuses namespaces that this collector did not declare: peers would never hear of them.
func (r *registrar) checkNamespace(namespace string) []string {
	if slices.Contains(r.namespaces, namespace) {
		return nil
	}
	if err := name.CheckNamespace(namespace); err != nil {
		return []string{err.Error()}
	}
	return []string{"collector " + refusal.Quoted(r.self) + " was made for the namespaces " + refusal.Enumerate(r.namespaces) + "; add it to New"}
}

func (r *registrar) refusal(namespace string, problems []string) error {
	return fmt.Errorf("%w: namespace %s: %s", ErrRegistration, refusal.Quoted(namespace), strings.Join(problems, "; "))
}

// publish makes a change the one that is served and tells the peers. Callers hold r.mu.
func (r *registrar) publish(added, gone []*hosted.Method) *hosted.Snapshot {
	next, changes := r.methods.Change(added, gone)
	r.announce(changes)
	return next
}

func (r *registrar) remove(namespace string, match func(*hosted.Method) bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	current := r.methods.Snapshot()
	var gone []*hosted.Method
	for _, m := range current.Methods[namespace] {
		if match(m) {
			gone = append(gone, m)
		}
	}
	if len(gone) == 0 {
		return false
	}
	next := r.publish(nil, gone)
	r.untellValidator(namespace, gone, next.Methods[namespace])
	return true
}

// tellValidator gives the services of new methods to a validator that listens. On an error it takes back what it gave.
func (r *registrar) tellValidator(namespace string, methods []*hosted.Method) error {
	v := r.validation.current.Load()
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
func (r *registrar) untellValidator(namespace string, gone []*hosted.Method, left map[string]*hosted.Method) {
	v := r.validation.current.Load()
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

// ErrRegistration is in the chain of every refusal to register. Its text lists every problem found.
var ErrRegistration = errors.New("registration refused")
