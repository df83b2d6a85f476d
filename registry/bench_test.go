package registry_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/collectiverpc/collective/registry"
)

// registerMany registers services with 5 methods each, all declared in one file.
func registerMany(t testing.TB, r *registry.Registry, namespace, dir string, services int) {
	t.Helper()
	file := protoFile(dir, "file", message("Message", "a", "b", "c"))
	for s := range services {
		service(fmt.Sprintf("Service%d", s), dir+".Message", numbered("Method", 5)...)(file)
	}
	for s := range services {
		req := serviceRequest(namespace, file)
		req.ServiceDescriptor = file.GetService()[s]
		if _, err := r.RegisterService(t.Context(), req); err != nil {
			t.Fatal(err)
		}
	}
}

type procedure struct{ namespace, service, method, input string }

// tenThousand registers 10 000 services and answers many of their methods at random, more than fit into the caches of
// a core.
func tenThousand(t testing.TB, r *registry.Registry) []procedure {
	t.Helper()
	for n := range 10 {
		for f := range 100 {
			registerMany(t, r, fmt.Sprintf("namespace-%d", n), fmt.Sprintf("pkg%d", f), 10)
		}
	}
	calls := make([]procedure, 1<<14)
	for i := range calls {
		calls[i] = procedureOf(rand.IntN(10), rand.IntN(100), rand.IntN(10), rand.IntN(5))
	}
	return calls
}

func procedureOf(namespace, file, service, method int) procedure {
	return procedure{
		namespace: fmt.Sprintf("namespace-%d", namespace),
		service:   fmt.Sprintf("pkg%d.Service%d", file, service),
		method:    fmt.Sprintf("Method%d", method),
		input:     fmt.Sprintf("pkg%d.Message", file),
	}
}

func BenchmarkValidateServiceMethod(b *testing.B) {
	r := newRegistry(b)
	before := heap()
	calls := tenThousand(b, r)
	used := heap() - before
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
	b.ReportMetric(float64(used)/(1<<20), "MiB/registry")
}

func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// BenchmarkAddService adds one service more to a namespace that has many.
func BenchmarkAddService(b *testing.B) {
	r := newRegistry(b)
	i := 0
	for b.Loop() {
		b.StopTimer()
		dir := fmt.Sprintf("pkg%d", i)
		sd := built(b, protoFile(dir, "f", message("M"), service("S", dir+".M", numbered("Method", 5)...))).Services().Get(0)
		b.StartTimer()
		if err := r.AddService("n", sd); err != nil {
			b.Fatal(err)
		}
		i++
	}
}
