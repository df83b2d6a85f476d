package wire_test

import (
	"fmt"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/gen/collector"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/internal/meshtest"
)

// A request with headers beyond the limit is refused alone: the calls on the same connection go on.
func TestLargeHeaders_LeaveTheConnection(t *testing.T) {
	t.Parallel()
	a, b := newMesh(t)
	const kib = 1 << 10
	for _, c := range []*meshtest.Collector{a, b} {
		own := connectTo(t, c.Address)
		path, _, fields := refusal{fields: []string{"collective-target", "b"}}.request(grpc, "Converse")
		other := own.open(t, path, false, fields...)
		for _, size := range []int{33 * kib, 64 * kib, 100 * kib, 1000 * kib} {
			for _, p := range []protocol{grpc, grpcWeb, unary} {
				path, body, fields := refusal{fields: []string{"x-large", strings.Repeat("x", size)}}.request(p, "Echo")
				answered := own.call(t, path, body, fields...)
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
		must(t, own.framer.WriteData(other, true, grpc.body(message)))
		if answered := own.read(t, other)[other]; !strings.Contains(string(answered.body), "still there on b") {
			t.Errorf("the other call, asked %s: reset by %v, %v %q", c.ID(), answered.reset, answered.blocks, answered.body)
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
		own := connectTo(t, c.Address)
		path, body, fields := refusal{path: "/Gathering/Do"}.request(grpc, "")
		var streams []uint32
		for range calls {
			streams = append(streams, own.open(t, path, false, fields...))
			must(t, own.framer.WriteData(streams[len(streams)-1], true, body))
		}
		answered[c] = func() map[uint32]answer { return own.read(t, streams...) }
	}
	for c, read := range answered {
		for stream, a := range read() {
			if a.reset != 0 || len(a.blocks) != 2 || a.blocks[1].get("grpc-status") != "0" {
				t.Fatalf("stream %d, asked %s: reset by %v, %v", stream, c.ID(), a.reset, a.blocks)
			}
		}
	}
}

// A refusal stays below what clients take of headers, which is 8 KiB for some, however many collectors there are.
func TestRefusal_InALargeMesh(t *testing.T) {
	t.Parallel()
	store := conn.NewMemoryStore()
	for i := range 1000 {
		peer := fmt.Sprintf("peer-with-quite-a-long-name-%04d", i)
		must(t, store.Put(t.Context(), &collector.Connection{
			Id: conn.ConnectionID("a", peer), SourceCollectorId: "a", TargetCollectorId: peer, Address: "127.0.0.1:1",
			State: collector.ConnectionState_CONNECTION_STATE_STALE, IsInitiator: true, SharedNamespaces: []string{"test"},
			StateChangedAt: timestamppb.Now(),
		}))
	}
	c := serve(t, "a", dispatcher.WithConnectionStore(store))
	for code, r := range map[connect.Code]refusal{
		connect.CodeUnavailable: {path: "/ns/test" + service + "Echo"},
		connect.CodeNotFound:    {fields: []string{"collective-target", "nobody"}, path: "/ns/test" + service + "Echo"},
	} {
		path, body, fields := r.request(grpc, "")
		answered := connectTo(t, c.Address).call(t, path, body, fields...)
		if err := grpc.judge(answered, code); err != nil && code != connect.CodeNotFound {
			t.Error(err)
		}
		size := 0
		for _, block := range answered.blocks {
			for name, values := range block.fields {
				size += len(name) + len(strings.Join(values, "")) + 32*len(values)
			}
		}
		if size > 8<<10 {
			t.Errorf("%v: %d bytes of headers", code, size)
		}
	}
}
