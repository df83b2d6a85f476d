package dispatcher_test

import (
	"testing"

	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
)

// What a unary call costs this process: both ends, wherever the handler is.
func BenchmarkUnary(b *testing.B) {
	a, other := pair(b)
	for name, client := range map[string]testingv1connect.EchoServiceClient{
		"transport/here": other.mesh("test"), "transport/peer": a.mesh("test"),
		"native/here": other.client(b), "native/peer": a.client(b),
	} {
		b.Run(name, func(b *testing.B) {
			req := &testingv1.EchoRequest{Text: "hello"}
			b.ReportAllocs()
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					if _, err := client.Echo(b.Context(), req); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
