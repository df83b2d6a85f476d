package wire_test

import (
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"

	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/internal/meshtest"
)

// A request with headers beyond the limit is refused alone: the calls on the same connection go on.
func TestLargeHeaders_LeaveTheConnection(t *testing.T) {
	t.Parallel()
	a, b := newMesh(t)
	const kib = 1 << 10
	for _, c := range []*meshtest.Collector{a, b} {
		conn := connectTo(t, c.Address)
		path, _, fields := refusal{}.request(grpc, "Converse")
		other := conn.open(t, path, false, fields...)
		for _, size := range []int{33 * kib, 64 * kib, 100 * kib, 1000 * kib} {
			for _, p := range []protocol{grpc, grpcWeb, unary} {
				path, body, fields := refusal{fields: []string{"x-large", strings.Repeat("x", size)}}.request(p, "Echo")
				answered := conn.call(t, path, body, fields...)
				if err := p.judge(answered, connect.CodeResourceExhausted); err != nil {
					t.Errorf("%d KiB, %s, asked %s: %v", size/kib, p.name, c.ID(), err)
				}
				if status := answered.blocks[0].get(":status"); !p.framed && status != "431" {
					t.Errorf("%d KiB, %s, asked %s: HTTP status %s", size/kib, p.name, c.ID(), status)
				}
			}
		}
		message, err := proto.Marshal(&testingv1.ConverseRequest{Text: "still there"})
		must(t, err)
		must(t, conn.framer.WriteData(other, true, grpc.body(message)))
		if answered := conn.read(t, other)[other]; !strings.Contains(string(answered.body), "still there on b") {
			t.Errorf("the other call, asked %s: %v %q", c.ID(), answered.blocks, answered.body)
		}
	}
}

// Clients begin with many calls on a connection whose limits they have not read yet. None of them is refused, and none
// waits for another.
func TestManyStreams_OnAColdConnection(t *testing.T) {
	t.Parallel()
	const calls = 300
	a, b := newMesh(t)
	g := &gathering{all: make(chan struct{})}
	must(t, b.RegisterService("test", "Gathering", "Do", g.do))
	must(t, meshtest.AwaitServed(t.Context(), a.Dispatcher, "test", "/Gathering/Do"))
	g.missing.Store(2 * calls)
	answered := make(map[*meshtest.Collector]func() map[uint32]answer)
	for _, c := range []*meshtest.Collector{a, b} {
		conn := connectTo(t, c.Address)
		path, body, fields := refusal{path: "/Gathering/Do"}.request(grpc, "")
		var streams []uint32
		for range calls {
			streams = append(streams, conn.open(t, path, false, fields...))
			must(t, conn.framer.WriteData(streams[len(streams)-1], true, body))
		}
		answered[c] = func() map[uint32]answer { return conn.read(t, streams...) }
	}
	for c, read := range answered {
		for stream, a := range read() {
			if a.reset != 0 || len(a.blocks) != 2 || a.blocks[1].get("grpc-status") != "0" {
				t.Fatalf("stream %d, asked %s: reset by %v, %v", stream, c.ID(), a.reset, a.blocks)
			}
		}
	}
}
