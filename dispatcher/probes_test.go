package dispatcher_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/collectiverpc/collective/internal/meshtest"
)

// probed is the answer to a plain request.
func (n node) probed(t *testing.T, client *http.Client, method, path string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+n.Address+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, strings.TrimSpace(string(body))
}

// /healthz and /readyz answer anybody over HTTP/1.1 and HTTP/2, and say of the collector what grpc.health.v1 says: not ready from
// the moment in which it begins to stop.
func TestProbes_SayWhatHealthSays(t *testing.T) {
	t.Parallel()
	n := serve(t, "a", []string{"test"})
	clients := map[string]*http.Client{"HTTP/1.1": {Transport: new(http.Transport)}, "HTTP/2": meshtest.HTTP2Client(t)}
	t.Cleanup(clients["HTTP/1.1"].CloseIdleConnections)
	for name, client := range clients {
		for _, path := range []string{"/healthz", "/readyz", "/readyz?verbose=1"} {
			if code, body := n.probed(t, client, http.MethodGet, path); code != http.StatusOK || body != `{"status":"ok"}` {
				t.Errorf("%s %s: %d %s", name, path, code, body)
			}
		}
		if code, body := n.probed(t, client, http.MethodHead, "/readyz"); code != http.StatusOK || body != "" {
			t.Errorf("%s HEAD: %d %q", name, code, body)
		}
		if code, _ := n.probed(t, client, http.MethodPost, "/readyz"); code != http.StatusMethodNotAllowed {
			t.Errorf("%s POST: %d", name, code)
		}
		if code, _ := n.probed(t, client, http.MethodGet, "/healthz/x"); code != http.StatusNotFound {
			t.Errorf("%s /healthz/x: %d, want that of a method that there is not", name, code)
		}
	}
	if err := n.Shutdown(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	for name, client := range clients {
		if code, body := n.probed(t, client, http.MethodGet, "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, `"stopping"`) {
			t.Errorf("%s /readyz of a collector that stops: %d %s", name, code, body)
		}
		if code, body := n.probed(t, client, http.MethodGet, "/healthz"); code != http.StatusOK || body != `{"status":"ok"}` {
			t.Errorf("%s /healthz of a collector that stops: %d %s", name, code, body)
		}
	}
	if code, body := n.asked(t, "Check", `{}`); code != http.StatusOK || body != `{"status":"NOT_SERVING"}` {
		t.Errorf("Health.Check: %d %s", code, body)
	}
}
