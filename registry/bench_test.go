package registry_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/collectiverpc/collective/registry"
)

// many registers 10 000 services with 5 methods each, spread over 10 namespaces, and answers all procedures.
func many(t testing.TB, r *registry.Registry) (namespaces, services, methods []string) {
	t.Helper()
	methods = numbered("Method", 5)
	for n := range 10 {
		namespace := fmt.Sprintf("namespace-%d", n)
		for f := range 100 {
			dir := fmt.Sprintf("pkg%d", f)
			file := protoFile(dir, "file", message("Message", "a", "b", "c"))
			for s := range 10 {
				service(fmt.Sprintf("Service%dx%d", f, s), dir+".Message", methods...)(file)
			}
			for s := range file.GetService() {
				req := serviceRequest(namespace, file)
				req.ServiceDescriptor = file.GetService()[s]
				if _, err := r.RegisterService(t.Context(), req); err != nil {
					t.Fatal(err)
				}
			}
		}
		namespaces = append(namespaces, namespace)
	}
	for f := range 100 {
		for s := range 10 {
			services = append(services, fmt.Sprintf("pkg%d.Service%dx%d", f, f, s))
		}
	}
	return namespaces, services, methods
}

func BenchmarkValidateServiceMethod(b *testing.B) {
	r := newRegistry(b)
	namespaces, services, methods := many(b, r)
	type call struct{ namespace, service, method string }
	calls := make([]call, 1<<14) // more than fit into the caches of a core
	for i := range calls {
		calls[i] = call{
			namespaces[rand.IntN(len(namespaces))], services[rand.IntN(len(services))], methods[rand.IntN(len(methods))],
		}
	}
	ctx := b.Context()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		c := &calls[i&(len(calls)-1)]
		if err := r.ValidateServiceMethod(ctx, c.namespace, c.service, c.method); err != nil {
			b.Fatal(err)
		}
		i++
	}
}
