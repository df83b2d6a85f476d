package conn

import (
	"context"
	"fmt"
	"testing"

	"github.com/collectiverpc/collective/gen/collector"
)

// connectPlain is Connect over plain HTTP, as by a seed peer.
func connectPlain(t *testing.T, m *Manager, id string) {
	t.Helper()
	answer, err := m.HandleConnect(context.Background(), &collector.ConnectRequest{
		Namespaces: []string{"ns"}, Metadata: map[string]string{metaCollectorID: id},
	})
	if err != nil || answer.GetStatus().GetCode() != 200 {
		t.Fatalf("Connect of %s: %v, %v", id, answer, err)
	}
}

func oneWayPeers(m *Manager) (ids []string) {
	for _, p := range m.Table().Peers() {
		if p.OneWay {
			ids = append(ids, p.ID)
		}
	}
	return ids
}

// TestOneWayPeersAreBounded floods a collector with ids under which anybody may connect.
func TestOneWayPeersAreBounded(t *testing.T) {
	t.Parallel()
	network := newPipes()
	m := network.start(t, "m", WithLimits(Limits{OneWay: 4}))
	for i := range MaxPeers + 100 {
		connectPlain(t, m, fmt.Sprintf("p%04d", i))
		if n := len(oneWayPeers(m)); n > 4 {
			t.Fatalf("%d one-way peers after %d", n, i+1)
		}
	}
	if got := fmt.Sprint(oneWayPeers(m)); got != "[p1120 p1121 p1122 p1123]" {
		t.Errorf("those that stay are %s, want the last", got)
	}
	if p, ok := m.Table().Peer("p1119"); !ok || p.State != stateStale || p.Reason == "" {
		t.Errorf("one that had to go is %+v", p)
	}
	connectPlain(t, m, "p1119")
	connectPlain(t, m, "p1119") // again, which takes nobody's place
	if got := fmt.Sprint(oneWayPeers(m)); got != "[p1119 p1121 p1122 p1123]" {
		t.Errorf("after one came back: %s", got)
	}
	network.start(t, "z")
	mustConnect(t, m, "z:1")
	if p, _ := m.Table().Peer("z"); !p.Routable() {
		t.Errorf("a peer with a link is %+v", p)
	}
}
