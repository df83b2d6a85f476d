package host_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/collectiverpc/collective/cmd/collector/internal/host"
)

const (
	app    = "https://app.example"
	method = "/shop.v1.UserService/GetUser"
)

// run runs a collector until the test ends and returns where it is.
func run(t *testing.T, config host.Config) string {
	t.Helper()
	config.ID, config.Listen, config.Store, config.Examples = "a", "127.0.0.1:0", host.InMemory, []string{"users"}
	config.Logger, config.Grace = slog.New(slog.DiscardHandler), time.Second
	ctx, stop := context.WithCancel(context.Background())
	ready, ended := make(chan host.Ready, 1), make(chan error, 1)
	go func() { ended <- host.Run(ctx, config, func(r host.Ready) { ready <- r }) }()
	t.Cleanup(stop)
	select {
	case r := <-ready:
		t.Cleanup(func() {
			stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
		return r.URL
	case err := <-ended:
		t.Fatal(err)
		return ""
	}
}

// consoleOff are the rows that look different where there is no console to protect: a preflight of a page that is not listed gets
// no permission to go on, and a page that is listed may use any name, as that of a proxy.
var consoleOff = map[string]struct {
	status  int
	allowed string
}{
	"it asks first":                {204, ""},
	"a listed page by such a name": {200, app},
}

// Who may call a collector from a browser, with the console and without it.
func TestBrowsersThatMayCall(t *testing.T) {
	t.Parallel()
	urls := make(map[string]string)
	for _, console := range host.ConsoleModes() {
		urls[console] = run(t, host.Config{Console: console, CORSOrigins: []string{app}})
	}
	for name, tt := range map[string]struct {
		method, path string
		header       []string // of the request
		status       int
		allowed      string // origin that may read the answer
	}{
		"a program":                     {"POST", method, nil, 200, ""},
		"a program by another name":     {"POST", method, []string{"Host", "mesh.internal"}, 200, ""},
		"a listed page":                 {"POST", method, []string{"Origin", app, "Sec-Fetch-Site", "cross-site"}, 200, app},
		"a listed page asks first":      {"OPTIONS", method, []string{"Origin", app, "Sec-Fetch-Site", "cross-site", "Access-Control-Request-Method", "POST"}, 204, app},
		"a page that is not listed":     {"POST", method, []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, 403, ""},
		"it asks first":                 {"OPTIONS", method, []string{"Origin", "https://evil.example", "Access-Control-Request-Method", "POST"}, 403, ""},
		"a form, which cannot ask":      {"POST", method, []string{"Origin", "https://evil.example", "Content-Type", "text/plain"}, 403, ""},
		"a name made to point here":     {"POST", method, []string{"Origin", "http://evil.example", "Host", "evil.example"}, 403, ""},
		"it gets, without an origin":    {"GET", method, []string{"Host", "evil.example"}, 403, ""},
		"a listed page by such a name":  {"POST", method, []string{"Origin", app, "Host", "evil.example"}, 403, ""},
		"a listed page and the console": {"GET", "/console/", []string{"Origin", app, "Sec-Fetch-Site", "cross-site"}, 403, ""},
	} {
		for console, url := range urls {
			if console == host.ConsoleOff && tt.path == "/console/" {
				continue
			}
			status, allowed := tt.status, tt.allowed
			if off, ok := consoleOff[name]; ok && console == host.ConsoleOff {
				status, allowed = off.status, off.allowed
			}
			answer := ask(t, tt.method, url+tt.path, tt.header)
			if answer.StatusCode != status || answer.Header.Get("Access-Control-Allow-Origin") != allowed {
				t.Errorf("%s, console %s: %d %v, want %d, allowed %q", name, console, answer.StatusCode, answer.Header, status, allowed)
			}
		}
	}
}

func ask(t *testing.T, method, url string, header []string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(`{"id":"u-1"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	if name := req.Header.Get("Host"); name != "" {
		req.Host = name
	}
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	res, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	return res
}
