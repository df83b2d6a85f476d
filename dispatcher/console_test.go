package dispatcher_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/internal/meshtest"
	"github.com/collectiverpc/collective/web"
)

// A library collector of a few lines shows its console over a real socket, to this machine.
func TestWithConsole(t *testing.T) {
	t.Parallel()
	address := meshtest.FreeAddress(t)
	d, err := dispatcher.New("a", address, []string{"test"}, dispatcher.WithConsole(web.Config{}),
		dispatcher.WithCORSOrigins("https://app.example"), meshtest.Permissive())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.ListenAndServe(ctx, address, nil, time.Second) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()

	awaitListener(t, address)
	const status = "/collector.mesh.v1.MeshService/GetStatus"
	for name, tt := range map[string]struct {
		method, path string
		header       []string
		status       int
		want         string
	}{
		"the page":                  {"GET", "/console/", nil, 200, `data-base="/console/" data-mode="full"`},
		"the root, in a browser":    {"GET", "/", []string{"Accept", "text/html"}, 302, ""},
		"what the page asks":        {"POST", status, []string{"Origin", "http://" + address}, 200, `"collectorId":"a"`},
		"a program":                 {"POST", status, nil, 200, `"collectorId":"a"`},
		"a listed page":             {"POST", status, []string{"Origin", "https://app.example"}, 200, `"collectorId":"a"`},
		"a page of another site":    {"POST", status, []string{"Origin", "https://evil.example"}, 403, "WithCORSOrigins"},
		"a name made to point here": {"GET", "/console/", []string{"Host", "evil.example"}, 403, "is not called evil.example"},
	} {
		code, body := askFrom(t, tt.method, "http://"+address+tt.path, tt.header)
		if code != tt.status || !strings.Contains(strings.ReplaceAll(body, ": ", ":"), tt.want) {
			t.Errorf("%s: %d %s, want %d %s", name, code, body, tt.status, tt.want)
		}
	}
}

func awaitListener(t *testing.T, address string) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if dialed, err := net.Dial("tcp", address); err == nil {
			_ = dialed.Close()
			return
		}
	}
	t.Fatal("nobody listens at " + address)
}

func askFrom(t *testing.T, method, url string, header []string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	req.Host = req.Header.Get("Host")
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	res, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// Without the option there is no console, and nothing but the collector on its port.
func TestWithoutConsole(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"test"})
	if code, body := askFrom(t, "GET", "http://"+a.Address+"/console/", nil); code != http.StatusNotFound {
		t.Errorf("%d %s", code, body)
	}
}

type brokenConsole struct{ err error }

func (c brokenConsole) Mount(http.Handler, []string) (http.Handler, error) { return nil, c.err }

func TestWithConsole_MisuseFailsWhenBuilt(t *testing.T) {
	t.Parallel()
	for want, console := range map[string]dispatcher.Console{
		`Mode "on"`:           web.Config{Mode: "on"},
		"out of paper":        brokenConsole{errors.New("out of paper")},
		"returned no handler": brokenConsole{},
	} {
		_, err := dispatcher.New("a", "", []string{"test"}, dispatcher.WithConsole(console))
		if err == nil || !strings.Contains(err.Error(), "WithConsole: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
