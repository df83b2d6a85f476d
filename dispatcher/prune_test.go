package dispatcher_test

import (
	"testing"

	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// What is over is forgotten on demand; what is up stays.
func TestPruneConnections(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"test"})
	b, c := serve(t, "b", []string{"test"}), serve(t, "c", []string{"test"})
	join(t, b, a)
	join(t, c, a)
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	a.waitFor(t, "the goodbye of c", func() bool {
		p, ok := a.Connections().Table().Peer("c")
		return ok && p.State == collector.ConnectionState_CONNECTION_STATE_CLOSED
	})
	mesh := a.status(t)
	status, err := mesh.GetStatus(t.Context(), &meshv1.GetStatusRequest{})
	if err != nil || len(status.GetWarnings()) != 0 {
		t.Errorf("warnings %v, %v", status.GetWarnings(), err)
	}
	for _, want := range []string{"c", ""} {
		res, err := mesh.PruneConnections(t.Context(), &meshv1.PruneConnectionsRequest{})
		got := ""
		for _, gone := range res.GetConnections() {
			got += gone.GetSourceCollectorId()
		}
		if err != nil || got != want {
			t.Errorf("gone are %q, %v; want %q", got, err, want)
		}
	}
	wantOnlyB(t, a)
}
