package link_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"connectrpc.com/connect/v2"

	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
)

// cpuTime is the processor time of this process so far.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkUnary calls over loopback TCP with metadata and a deadline, both ends in this process.
func BenchmarkUnary(b *testing.B) {
	for name, callers := range map[string]int{"c1": 1, "c64": 64, "c512": 512} {
		b.Run(name, func(b *testing.B) {
			p := newPair(b)
			client := p.client()
			req := &testingv1.EchoRequest{Text: strings.Repeat("x", 100)}
			var left atomic.Int64
			left.Store(int64(b.N))
			var group sync.WaitGroup
			b.ReportAllocs()
			b.ResetTimer()
			start := cpuTime()
			for range callers {
				group.Go(func() {
					for left.Add(-1) >= 0 {
						ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
						ctx, info := connect.NewClientContext(ctx)
						info.RequestHeader().Set("X-Request-Id", "0123456789abcdef")
						if _, err := client.Echo(ctx, req); err != nil {
							b.Error(err)
						}
						cancel()
					}
				})
			}
			group.Wait()
			b.ReportMetric(float64(cpuTime()-start)/float64(b.N), "cpu-ns/op")
		})
	}
}
