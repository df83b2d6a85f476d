package dispatcher_test

import (
	"testing"

	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
)

// Both ends of a connection count a routed call.
func TestTransport_IsCountedOnTheConnection(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	before := a.Connections().ListConnections()[0].GetRequestCount()
	const calls = 5
	for range calls {
		if _, err := a.mesh("test").Echo(t.Context(), &testingv1.EchoRequest{Text: "five"}); err != nil {
			t.Fatal(err)
		}
	}
	asking, serving := a.Connections().ListConnections()[0], b.Connections().ListConnections()[0]
	if asking.GetRequestCount()-before != calls || serving.GetRequestCount() < calls {
		t.Errorf("requests: %d on the asking side, %d on the serving one, want %d", asking.GetRequestCount()-before, serving.GetRequestCount(), calls)
	}
	if asking.GetBytesSent() == 0 || asking.GetBytesReceived() == 0 || asking.GetErrorCount() != 0 {
		t.Errorf("asking side: %d bytes sent, %d received, %d errors", asking.GetBytesSent(), asking.GetBytesReceived(), asking.GetErrorCount())
	}
}
