package host_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/collectiverpc/collective/cmd/collector/internal/host"
	"github.com/collectiverpc/collective/conn/carrier"
)

const base = "/tools/mesh"

// proxied puts a reverse proxy before a collector: what is below base goes there, as it is or without base.
func proxied(t *testing.T, collector string, strip bool) string {
	t.Helper()
	target, err := url.Parse(collector)
	if err != nil {
		t.Fatal(err)
	}
	transport := new(http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	proxy := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) {
		if strip {
			r.Out.URL.Path = strings.TrimPrefix(r.Out.URL.Path, base)
		}
		r.SetURL(target)
		r.SetXForwarded()
		r.Out.Host = r.In.Host
	}}
	mux := http.NewServeMux()
	mux.Handle(base+"/", proxy)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// A browser that knows nothing but the proxy finds the page, all that the page needs, and the collector's RPCs.
func TestConsoleBehindAReverseProxy(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]struct {
		strip   bool
		console string
	}{
		"that keeps the path": {false, host.ConsoleFull}, "that takes it off": {true, host.ConsoleFull}, "read-only": {false, host.ConsoleReadOnly},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site := proxied(t, run(t, host.Config{BasePath: base, Console: mode.console}), mode.strip)
			if got := ask(t, "GET", site+base+"/", []string{"Accept", "text/html"}); got.Header.Get("Location") != base+"/console/" {
				t.Errorf("the root of the proxy's path: %d to %q", got.StatusCode, got.Header.Get("Location"))
			}
			page := read(t, http.MethodGet, site+base+"/console/", "")
			assets := regexp.MustCompile(`(?:src|href)="(/[^"]+)"`).FindAllStringSubmatch(page, -1)
			if len(assets) != 2 || !strings.Contains(page, `data-base="`+base+`/console/"`) {
				t.Fatalf("%s", page)
			}
			for _, asset := range assets {
				if read(t, http.MethodGet, site+asset[1], "") == page {
					t.Errorf("%s is the page again", asset[1])
				}
			}
			if read(t, http.MethodGet, site+base+"/console/services/users", "") != page {
				t.Error("a deep link is not the page")
			}
			if services := read(t, http.MethodPost, site+base+"/collector.mesh.v1.MeshService/ListServices", site); !strings.Contains(services, "shop.v1.UserService") {
				t.Errorf("ListServices: %s", services)
			}
		})
	}
}

// read gets a page, or calls as a page of an origin does.
func read(t *testing.T, method, address, origin string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if origin != "" {
		req.Header.Set("Origin", origin)
	}
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	res, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s, %v", address, res.StatusCode, body, err)
	}
	return string(body)
}

// What is served below the path is served without it too, and the other way round, links aside.
func TestBasePath(t *testing.T) {
	t.Parallel()
	collector := run(t, host.Config{BasePath: base, Console: host.ConsoleOff})
	for path, want := range map[string]int{
		method:                              200,
		base + method:                       200,
		base + "/ns/users" + method:         200,
		base + "s" + method:                 404,
		base + base + method:                404,
		base + carrier.UpgradePath:          404,
		base + "/collector%2elink":          404,
		base + carrier.CarryPath:            404,
		carrier.UpgradePath:                 426,
		"/tools%2fmesh" + carrier.CarryPath: 404,
	} {
		if got := ask(t, "POST", collector+path, nil); got.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, got.StatusCode, want)
		}
	}
	for path, fine := range map[string]bool{
		"": true, "/a": true, "/a/b.c/d-e_f~1": true,
		"a": false, "/": false, "/a/": false, "//a": false, "/a/../b": false, `/a"b`: false, "/a b": false, "/ns/x": false, "/console": false,
		"/console/x": false, "https://mesh.example/a": false,
	} {
		err := host.Check(host.Config{Listen: "127.0.0.1:0", BasePath: path})
		if _, refused := host.IsRefused(err); refused == fine {
			t.Errorf("%q: %v", path, err)
		}
	}
}
