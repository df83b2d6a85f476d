package link_test

import (
	"context"
	"testing"
	"time"

	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
)

// flood answers a Converse with the message it got first, as often as the number in the request headers says.
type flood struct {
	echo
	messages int
}

func (f flood) Converse(_ context.Context, stream testingv1connect.EchoServiceConverseServerStream) error {
	req, err := stream.Receive()
	if err != nil {
		return err
	}
	res := &testingv1.ConverseResponse{Text: req.GetText()}
	for range f.messages {
		if err := stream.Send(res); err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkStream receives messages of one stream over loopback TCP, both ends in this process. An operation is a
// message.
func BenchmarkStream(b *testing.B) {
	for _, size := range []struct {
		name  string
		bytes int
	}{{"100B", 100}, {"64KiB", 64 << 10}} {
		b.Run(size.name, func(b *testing.B) {
			p := newPairWith(b, config("a", echo{}), config("b", flood{messages: b.N}))
			stream, err := p.client().Converse(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.SetBytes(int64(size.bytes))
			b.ResetTimer()
			cpu, start := cpuTime(), time.Now()
			if err := stream.Send(&testingv1.ConverseRequest{Text: textOf(size.bytes)}); err != nil {
				b.Fatal(err)
			}
			for range b.N {
				if _, err := stream.Receive(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(cpuTime()-cpu)/float64(b.N), "cpu-ns/op")
			b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "msgs/s")
		})
	}
}
