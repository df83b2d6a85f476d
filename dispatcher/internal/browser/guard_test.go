package browser_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/collectiverpc/collective/dispatcher/internal/browser"
	"github.com/collectiverpc/collective/internal/origin"
	"github.com/collectiverpc/collective/mesh"
)

const app = "https://app.example"

func TestGuard(t *testing.T) {
	t.Parallel()
	const near, far = "127.0.0.1:50051", "192.0.2.7:50051"
	const method = "/shop.v1.UserService/GetUser"
	pages, err := origin.NewPages(app)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		at, method, path string
		headers          []string
		tls              bool
		want             int
	}{
		"a program":                       {near, "POST", method, nil, false, 200},
		"a program by another name":       {near, "POST", method, []string{"Host", "orders.internal"}, false, 200},
		"a program reads":                 {near, "GET", method, nil, false, 200},
		"a program far reads by a name":   {far, "GET", method, []string{"Host", "orders.svc.cluster.local:50051"}, false, 200},
		"a link by another name":          {near, "GET", "/collector.link", []string{"Host", "orders.internal", "Upgrade", "collector-link"}, false, 200},
		"a rebound name reads":            {near, "GET", method, []string{"Host", "evil.example:50051"}, false, 403},
		"a rebound name looks":            {near, "HEAD", method, []string{"Host", "evil.example:50051"}, false, 403},
		"a rebound name calls":            {near, "POST", method, []string{"Host", "evil.example:50051", "Origin", "http://evil.example:50051"}, false, 403},
		"a rebound name calls, far":       {far, "POST", method, []string{"Host", "evil.example:50051", "Origin", "http://evil.example:50051"}, false, 403},
		"a rebound name with TLS":         {far, "POST", method, []string{"Host", "mesh.example", "Origin", "https://mesh.example"}, true, 200},
		"a page of its own, by address":   {far, "POST", method, []string{"Host", far, "Origin", "http://" + far}, false, 200},
		"a page of its own, by IPv6":      {far, "POST", method, []string{"Host", "[2001:db8::1]:50051", "Origin", "http://[2001:db8::1]:50051"}, false, 200},
		"a page of its own, by name":      {far, "POST", method, []string{"Host", "mesh.internal:50051", "Origin", "http://mesh.internal:50051"}, false, 200},
		"a page of another site":          {near, "POST", method, []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, false, 403},
		"a page of another site, far":     {far, "POST", method, []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, false, 403},
		"an old browser":                  {far, "POST", method, []string{"Origin", "https://evil.example"}, false, 403},
		"an image elsewhere":              {near, "GET", method, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"}, false, 403},
		"a link elsewhere to a method":    {near, "GET", method, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, false, 403},
		"a link elsewhere that logs in":   {near, "GET", mesh.LoginPath, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, false, 200},
		"an image that would log in":      {near, "GET", mesh.LoginPath, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"}, false, 403},
		"a page elsewhere logs out":       {near, "POST", mesh.LogoutPath, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Origin", "http://evil.example"}, false, 403},
		"another port of this machine":    {near, "POST", method, []string{"Origin", "http://127.0.0.1:9", "Sec-Fetch-Site", "same-site"}, false, 403},
		"typed into the address bar":      {near, "GET", method, []string{"Sec-Fetch-Site", "none"}, false, 200},
		"a listed page":                   {near, "POST", method, []string{"Origin", app, "Sec-Fetch-Site", "cross-site"}, false, 200},
		"a listed page by some name":      {far, "POST", method, []string{"Origin", app, "Host", "orders.internal"}, false, 200},
		"a sandboxed page":                {near, "POST", method, []string{"Origin", "null"}, false, 403},
		"a preflight that nobody permits": {near, "OPTIONS", method, []string{"Origin", "https://evil.example"}, false, 403},
	} {
		guard := &browser.Guard{Names: []string{"mesh.internal"}, Pages: pages}
		r := httptest.NewRequest(tt.method, "http://"+tt.at+tt.path, nil)
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(tt.at)))))
		for i := 0; i < len(tt.headers); i += 2 {
			if tt.headers[i] == "Host" {
				r.Host = tt.headers[i+1]
			}
			r.Header.Set(tt.headers[i], tt.headers[i+1])
		}
		if r.TLS = nil; tt.tls {
			r.TLS = new(tls.ConnectionState)
		}
		w := httptest.NewRecorder()
		guard.Before(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, r)
		if w.Code != tt.want {
			t.Errorf("%s: %d %s, want %d", name, w.Code, w.Body, tt.want)
		}
	}
}
