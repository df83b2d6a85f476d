package web_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/collectiverpc/collective/web"
)

// serve mounts the console in front of a collector that answers everything with 200 and its path.
func serve(t *testing.T, config web.Config) http.Handler {
	t.Helper()
	collector := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "rpc "+r.URL.Path) })
	handler, err := config.Mount(collector, []string{app})
	if err != nil {
		t.Fatal(err)
	}
	return handler
}

// ask sends a request to the address of the server that the target names.
func ask(handler http.Handler, method, target string, headers ...string) *http.Response {
	r := httptest.NewRequest(method, target, nil)
	local := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(r.Host))
	r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, local))
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w.Result()
}

const (
	home = "http://127.0.0.1:50051"
	app  = "https://app.example" // a page of another origin that may call
)

func TestEveryPathUnderTheBaseIsThePage(t *testing.T) {
	t.Parallel()
	handler := serve(t, web.Config{Base: "/mesh/console/", Mode: web.ReadOnly})
	for _, path := range []string{"", "traffic", "call/orders/shop.v1.OrderService/GetOrder", "collectors/a.b"} {
		res := ask(handler, http.MethodGet, home+"/mesh/console/"+path)
		body, _ := io.ReadAll(res.Body)
		if res.StatusCode != http.StatusOK || !strings.Contains(string(body), `data-base="/mesh/console/" data-mode="readonly"`) {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
		}
		if policy := res.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", path, policy)
		}
	}
}

func TestBehindAProxyThePageIsBelowItsPath(t *testing.T) {
	t.Parallel()
	handler := serve(t, web.Config{Prefix: "/far/mesh"})
	body, _ := io.ReadAll(ask(handler, http.MethodGet, home+"/console/").Body)
	if !strings.Contains(string(body), `data-base="/far/mesh/console/"`) || !strings.Contains(string(body), `src="/far/mesh/console/main-`) {
		t.Errorf("%s", body)
	}
	if res := ask(handler, http.MethodGet, home+"/", "Accept", "text/html"); res.Header.Get("Location") != "/far/mesh/console/" {
		t.Errorf("the root sends to %q", res.Header.Get("Location"))
	}
}

func TestFilesAreKeptForGoodAndCompressed(t *testing.T) {
	t.Parallel()
	handler := serve(t, web.Config{})
	page, _ := io.ReadAll(ask(handler, http.MethodGet, home+"/console/").Body)
	script := regexp.MustCompile(`/console/main-\w+\.js`).FindString(string(page))
	sent := make(map[string][]byte)
	for encoding, want := range map[string]string{"gzip": "gzip", "": ""} {
		res := ask(handler, http.MethodGet, home+script, "Accept-Encoding", encoding)
		if res.StatusCode != http.StatusOK || res.Header.Get("Content-Encoding") != want || !strings.Contains(res.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s as %q: %d %v", script, encoding, res.StatusCode, res.Header)
		}
		sent[encoding], _ = io.ReadAll(res.Body)
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(sent["gzip"]))
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(unpacked)
	if err != nil || !bytes.Equal(content, sent[""]) || len(sent["gzip"]) > len(content)/2 {
		t.Errorf("%d bytes by gzip are %d, which are %d without it: %v", len(sent["gzip"]), len(content), len(sent[""]), err)
	}
}

func TestTheRootOpensTheConsoleInBrowsersOnly(t *testing.T) {
	t.Parallel()
	handler := serve(t, web.Config{})
	if res := ask(handler, http.MethodGet, home+"/", "Accept", "text/html"); res.Header.Get("Location") != "/console/" {
		t.Errorf("a browser got %d %v", res.StatusCode, res.Header)
	}
	if res := ask(handler, http.MethodGet, home+"/"); res.StatusCode != http.StatusOK {
		t.Errorf("a program got %d", res.StatusCode)
	}
}

func TestGuard(t *testing.T) {
	t.Parallel()
	const method = "/shop.v1.UserService/GetUser"
	const disconnect, status = "/collector.mesh.v1.MeshService/Disconnect", "/collector.mesh.v1.MeshService/GetStatus"
	tests := map[string]struct {
		mode    web.Mode
		method  string
		path    string
		headers []string
		want    int
	}{
		"a program":                           {"", "POST", method, nil, 200},
		"a program by another name":           {"", "POST", method, []string{"Host", "orders.internal"}, 200},
		"a link by another name":              {"", "GET", "/collector.link", []string{"Host", "orders.internal", "Upgrade", "collector-link"}, 200},
		"the console":                         {"", "POST", method, []string{"Origin", home, "Sec-Fetch-Site", "same-origin"}, 200},
		"by localhost":                        {"", "GET", method, []string{"Host", "localhost:50051"}, 200},
		"by IPv6":                             {"", "GET", method, []string{"Host", "[::1]:50051"}, 200},
		"by a name that is listed":            {"", "GET", method, []string{"Host", "mesh.example:50051"}, 200},
		"a link on another site to a page":    {"", "GET", "/console/traffic", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, 200},
		"a link on another site to a method":  {"", "GET", method, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, 403},
		"an image on another site":            {"", "GET", method, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"}, 403},
		"a form on another site":              {"", "POST", disconnect, []string{"Origin", "http://evil.example", "Sec-Fetch-Site", "cross-site"}, 403},
		"another port of this machine":        {"", "POST", disconnect, []string{"Origin", "http://127.0.0.1:9", "Sec-Fetch-Site", "same-site"}, 403},
		"an old browser on another site":      {"", "POST", disconnect, []string{"Origin", "http://evil.example"}, 403},
		"a sandboxed page":                    {"", "POST", disconnect, []string{"Origin", "null"}, 403},
		"a rebound name reads":                {"", "GET", method, []string{"Host", "evil.example:50051"}, 403},
		"a rebound name calls":                {"", "POST", method, []string{"Host", "evil.example:50051", "Origin", "http://evil.example:50051"}, 403},
		"a preflight, which nobody permits":   {"", "OPTIONS", method, []string{"Origin", "http://evil.example"}, 403},
		"a listed page asks whether it may":   {"", "OPTIONS", method, []string{"Origin", app, "Sec-Fetch-Site", "cross-site"}, 200},
		"a listed page calls":                 {"", "POST", method, []string{"Origin", app, "Sec-Fetch-Site", "cross-site"}, 200},
		"a listed page calls by GET":          {"", "GET", method, []string{"Origin", app, "Sec-Fetch-Site", "cross-site"}, 200},
		"a listed page reads the console":     {"", "GET", "/console/", []string{"Origin", app, "Sec-Fetch-Site", "cross-site"}, 403},
		"a listed page reads a script of it":  {"", "GET", "/console/main.js", []string{"Origin", app, "Sec-Fetch-Site", "cross-site"}, 403},
		"a listed page by a rebound name":     {"", "POST", method, []string{"Origin", app, "Host", "evil.example:50051"}, 403},
		"a page of the same host, other port": {"", "POST", method, []string{"Origin", app + ":8443", "Sec-Fetch-Site", "cross-site"}, 403},
		"read-only: a listed page calls":      {web.ReadOnly, "POST", method, []string{"Origin", app, "Sec-Fetch-Site", "cross-site"}, 200},
		"read-only: a page":                   {web.ReadOnly, "GET", "/console/", nil, 200},
		"read-only: reading":                  {web.ReadOnly, "POST", status, []string{"Origin", home}, 200},
		"read-only: a call":                   {web.ReadOnly, "POST", method, []string{"Origin", home}, 403},
		"read-only: a change":                 {web.ReadOnly, "POST", disconnect, []string{"Origin", home}, 403},
		"read-only: a program changes things": {web.ReadOnly, "POST", disconnect, nil, 200},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handler := serve(t, web.Config{Mode: tt.mode, Hosts: []string{"mesh.example"}})
			if res := ask(handler, tt.method, home+tt.path, tt.headers...); res.StatusCode != tt.want {
				body, _ := io.ReadAll(res.Body)
				t.Errorf("%d %s, want %d", res.StatusCode, body, tt.want)
			}
		})
	}
}

// Who reaches what, by where a request arrived. A console that nobody asked for is for loopback only, and is not opened by
// saying in Host that one is there.
func TestBeyondLoopbackTheConsoleMustBeAskedFor(t *testing.T) {
	t.Parallel()
	const far, near6, mapped = "http://192.0.2.7:50051", "http://[::1]:50051", "http://[::ffff:127.0.0.1]:50051"
	const page, method = "/console/traffic", "/shop.v1.UserService/GetUser"
	for _, tt := range []struct {
		mode      web.Mode
		at, path  string
		host      string
		want      int
		isConsole bool
	}{
		{"", home, page, "", 200, true},
		{"", near6, page, "", 200, true},
		{"", mapped, page, "127.0.0.1:50051", 200, true},
		{"", home, method, "evil.example", 403, false},
		{"", far, page, "", 403, false},
		{"", far, page, "127.0.0.1", 403, false},
		{"", far, page, "mesh.example", 403, false},
		{"", far, method, "orders.internal", 200, false},
		{web.Full, far, page, "mesh.example", 200, true},
		{web.Full, far, page, "192.0.2.7", 403, false},
		{web.ReadOnly, far, page, "mesh.example", 200, true},
		{web.Off, home, page, "", 200, false},
		{web.Off, home, method, "evil.example", 403, false},
		{web.Off, far, page, "mesh.example", 200, false},
		{web.Off, far, method, "orders.internal", 200, false},
	} {
		handler := serve(t, web.Config{Mode: tt.mode, Hosts: []string{"mesh.example"}})
		header := []string{"Host", tt.host}
		if tt.host == "" {
			header = nil
		}
		res := ask(handler, http.MethodGet, tt.at+tt.path, header...)
		body, _ := io.ReadAll(res.Body)
		if res.StatusCode != tt.want || strings.Contains(string(body), "data-mode") != tt.isConsole {
			t.Errorf("%+v: %d %s", tt, res.StatusCode, body)
		}
	}
}

// A handler that is served by something without addresses, as a test is, is taken for one beyond loopback.
func TestWithoutAnAddressThereIsNoConsole(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	serve(t, web.Config{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, home+"/console/", nil))
	if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "Mode and Hosts of web.Config") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestMisuseFailsWhenMounted(t *testing.T) {
	t.Parallel()
	for _, origin := range []string{"*", "null", "https://app.example/"} {
		if _, err := (web.Config{}).Mount(http.NotFoundHandler(), []string{origin}); err == nil {
			t.Errorf("%q is an origin", origin)
		}
	}
	_, err := web.Config{Base: "console", Prefix: `/a"b/`, Mode: "on"}.Mount(http.NotFoundHandler(), []string{"*"})
	for _, want := range []string{`Base "console"`, "Prefix", `Mode "on"`, `"*"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %s: %v", want, err)
		}
	}
}
