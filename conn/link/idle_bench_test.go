package link_test

import (
	"runtime"
	"testing"

	"github.com/collectiverpc/collective/conn/link"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
)

const idleLinks = 2000

// The most that an end may cost which nobody uses.
const (
	maxIdleMemory     = 64 << 10
	maxIdleGoroutines = 4
)

// BenchmarkIdleLinks opens 2000 links over loopback TCP, calls once on each in both directions, and tells what a link
// costs that nobody uses: per end, of which this process has both. Kernel buffers are not counted. It fails if that is
// more than it may be.
func BenchmarkIdleLinks(b *testing.B) {
	for b.Loop() {
		goroutines, memory := runtime.NumGoroutine(), memoryInUse()
		pairs := make([]pair, idleLinks)
		for i := range pairs {
			pairs[i] = newPair(b)
		}
		fresh := memoryInUse() - memory
		for _, p := range pairs {
			callBothWays(b, p)
		}
		used := memoryInUse() - memory
		ends := float64(2 * idleLinks)
		running := float64(runtime.NumGoroutine()-goroutines) / ends
		b.ReportMetric(running, "goroutines/end")
		b.ReportMetric(float64(fresh)/ends, "fresh-B/end")
		b.ReportMetric(float64(used)/ends, "used-B/end")
		if float64(max(fresh, used))/ends > maxIdleMemory || running > maxIdleGoroutines {
			b.Errorf("an idle link costs %d bytes and %.1f goroutines per end, at most %d and %d are allowed",
				max(fresh, used)/(2*idleLinks), running, maxIdleMemory, maxIdleGoroutines)
		}
		for _, p := range pairs {
			p.a.Close("measured")
			p.b.Close("measured")
		}
	}
}

// memoryInUse is what the process holds in heap and stacks.
func memoryInUse() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapInuse + stats.StackInuse
}

func callBothWays(b *testing.B, p pair) {
	for _, l := range []*link.Link{p.a, p.b} {
		if _, err := p.clientOf(l).Echo(b.Context(), &testingv1.EchoRequest{Text: "x"}); err != nil {
			b.Fatal(err)
		}
	}
}
