package conn

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/collectiverpc/collective/gen/collector"
)

func FuzzHandleConnect(f *testing.F) {
	for _, req := range []*collector.ConnectRequest{
		{},
		{Address: "127.0.0.1:50051", Namespaces: []string{"ns", "b"}, Metadata: map[string]string{metaCollectorID: "b"}},
		{Address: "[::1%eth0]:0", Namespaces: []string{"system"}, Metadata: map[string]string{metaCollectorID: "a", metaAgain: "x"}},
	} {
		data, err := proto.Marshal(req)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	m, err := NewManager(Self{ID: "a", Namespaces: []string{"ns"}}, WithLogger(slog.New(slog.DiscardHandler)),
		WithLimits(Limits{OneWay: MaxPeers}))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(m.Close)
	f.Fuzz(func(t *testing.T, data []byte) {
		req := new(collector.ConnectRequest)
		if proto.Unmarshal(data, req) != nil {
			return
		}
		answer, err := m.HandleConnect(context.Background(), req)
		if err != nil || answer.GetStatus().GetCode() < 200 || answer.GetTargetCollectorId() != "a" {
			t.Fatalf("%v: %v, %v", req, answer, err)
		}
		if err := m.Table().check(); err != nil {
			t.Fatal(err)
		}
		if ok := answer.GetStatus().GetCode() == 200; ok != (answer.GetConnectionId() != "") || ok && len(answer.GetSharedNamespaces()) > 1 {
			t.Errorf("%v was answered %v", req, answer)
		}
		if answer.GetStatus().GetCode() != 200 && len(answer.GetStatus().GetMessage()) > 600 {
			t.Errorf("a refusal of %d bytes", len(answer.GetStatus().GetMessage()))
		}
	})
}

// TestPeersAreBounded: beyond the 1024th, dead ones make room; if there are none, newcomers are refused.
func TestPeersAreBounded(t *testing.T) {
	t.Parallel()
	m, err := NewManager(Self{ID: "a", Namespaces: []string{"ns"}}, WithLogger(slog.New(slog.DiscardHandler)),
		WithLimits(Limits{OneWay: MaxPeers}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	connect := func(id string) *collector.ConnectResponse {
		t.Helper()
		answer, err := m.HandleConnect(t.Context(), &collector.ConnectRequest{Metadata: map[string]string{metaCollectorID: id}})
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	for i := range MaxPeers {
		if answer := connect(fmt.Sprintf("p%d", i)); answer.GetStatus().GetCode() != 200 {
			t.Fatal(answer)
		}
	}
	if answer := connect("one-more"); answer.GetStatus().GetCode() != 429 || !strings.Contains(answer.GetStatus().GetMessage(), "disconnect some") {
		t.Errorf("beyond the bound: %v", answer)
	}
	if err := m.Disconnect(t.Context(), ConnectionID("a", "p7"), "", false); err != nil {
		t.Fatal(err)
	}
	if answer := connect("one-more"); answer.GetStatus().GetCode() != 200 {
		t.Errorf("after one was disconnected: %v", answer)
	}
	if _, ok := m.Table().Peer("p7"); ok || len(m.Table().Peers()) != MaxPeers {
		t.Errorf("%d peers, p7 is there: %v", len(m.Table().Peers()), ok)
	}
	if err := m.Table().check(); err != nil {
		t.Error(err)
	}
}

func TestCountingDoesNotAllocate(t *testing.T) {
	m, err := NewManager(Self{ID: "a"}, WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	if _, err := m.HandleConnect(t.Context(), &collector.ConnectRequest{Metadata: map[string]string{metaCollectorID: "b"}}); err != nil {
		t.Fatal(err)
	}
	id, p := ConnectionID("a", "b"), m.Table().Peers()[0]
	if n := testing.AllocsPerRun(100, func() {
		m.RecordRequest(context.Background(), id, 1, 1)
		p.Record(1, 1, false)
	}); n != 0 {
		t.Errorf("counting a call allocates %v times", n)
	}
}
