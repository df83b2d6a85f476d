package main_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/collectiverpc/collective/internal/meshtest"
)

// withEnv runs a command to its end in an environment without other proxies.
func withEnv(t *testing.T, env []string, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	command := exec.CommandContext(t.Context(), program, args...)
	command.Env = append(withoutProxies(os.Environ()), append(env, "XDG_CONFIG_HOME="+t.TempDir())...)
	command.Stdout, command.Stderr = &out, &errs
	err := command.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	return result{out.String(), errs.String(), command.ProcessState.ExitCode()}
}

func withoutProxies(environment []string) []string {
	var kept []string
	for _, variable := range environment {
		if name, _, _ := strings.Cut(strings.ToUpper(variable), "="); !strings.HasSuffix(name, "_PROXY") {
			kept = append(kept, variable)
		}
	}
	return kept
}

// Whatever proxies there are and whether they live, nobody asks them for what is on this machine.
func TestProxy_NeverForThisMachine(t *testing.T) {
	t.Parallel()
	dead := "http://" + meshtest.FreeAddress(t)
	var everywhere []string
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"} {
		everywhere = append(everywhere, name+"="+dead, strings.ToLower(name)+"="+dead)
	}
	a := serve(t, "--id", "a", "--listen", "0.0.0.0:0", "--allow-plaintext", "--db", "memory")
	_, port, err := net.SplitHostPort(a.Address)
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "127.0.0.2", "localhost", "LocalHost", "0.0.0.0", "[::ffff:127.0.0.1]"} {
		for _, protocol := range []string{"connect", "grpc", "grpcweb"} {
			got := withEnv(t, everywhere, "status", "-s", "http://"+host+":"+port, "--protocol", protocol)
			if got.exit != 0 || !strings.Contains(got.err, "collector a") {
				t.Errorf("%s by %s: exit %d\n%s", host, protocol, got.exit, got.err)
			}
		}
	}
	// Links know no proxies at all.
	b := serveIn(t, everywhere, "--id", "b", "--listen", "127.0.0.1:0", "--allow-plaintext", "--db", "memory", "--join", "0.0.0.0:"+port)
	until(t, "b to be linked", b.sees(t, "active"))
}

// serveIn is serve in an environment.
func serveIn(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	return serveBy(t, "env", slices.Concat(env, []string{program, "serve"}, args)...)
}

// A proxy that is dead is named, with the variable it came from, and so is one that answers by itself.
func TestProxy_IsNamed(t *testing.T) {
	t.Parallel()
	address := meshtest.FreeAddress(t)
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "not for you", http.StatusForbidden)
	}))
	defer refusing.Close()
	const plain, secure = "http://collector.example:50051", "https://collector.example:50051"
	for name, tt := range map[string]struct {
		env    []string
		server string
		says   []string
	}{
		"dead":              {[]string{"HTTP_PROXY=http://" + address}, plain, []string{"the proxy cannot be reached", "HTTP_PROXY", address, "connection refused", plain + " was not asked", "NO_PROXY"}},
		"dead, small":       {[]string{"http_proxy=http://" + address}, plain, []string{"the proxy cannot be reached", "http_proxy", address}},
		"dead, without URL": {[]string{"HTTP_PROXY=" + address}, plain, []string{"the proxy cannot be reached", "HTTP_PROXY", address}},
		"dead, a password":  {[]string{"HTTP_PROXY=http://user:hunter2@" + address}, plain, []string{"the proxy cannot be reached", "user:xxxxx@" + address}},
		"dead, TLS":         {[]string{"HTTPS_PROXY=http://" + address, "HTTP_PROXY=http://other.example"}, secure, []string{"the proxy cannot be reached", "HTTPS_PROXY", address}},
		"dead, SOCKS":       {[]string{"HTTP_PROXY=socks5://" + address}, plain, []string{"HTTP_PROXY", address, "connection refused"}},
		"refuses":           {[]string{"HTTP_PROXY=" + refusing.URL}, plain, []string{"403", "through the proxy " + refusing.URL, "HTTP_PROXY", "NO_PROXY"}},
		"refuses, TLS":      {[]string{"HTTPS_PROXY=" + refusing.URL}, secure, []string{"Forbidden", "through the proxy " + refusing.URL, "HTTPS_PROXY"}},
		"ALL_PROXY":         {[]string{"ALL_PROXY=http://" + address}, "http://collector.invalid:50051", []string{"collector.invalid", "ALL_PROXY is not read"}},
		"NO_PROXY":          {[]string{"HTTP_PROXY=http://" + address, "NO_PROXY=.invalid"}, "http://collector.invalid:50051", []string{"no collector answers", "collector.invalid"}},
	} {
		got := withEnv(t, tt.env, "status", "-s", tt.server)
		for _, word := range tt.says {
			if got.exit != 3 || !strings.Contains(got.err, word) {
				t.Errorf("%s: exit %d, stderr does not say %q:\n%s", name, got.exit, word, got.err)
			}
		}
		if strings.Contains(got.err, "nothing listens there") || strings.Contains(got.err, "hunter2") {
			t.Errorf("%s: %s", name, got.err)
		}
		if through := strings.Contains(got.err, address); through != strings.HasPrefix(name, "dead") {
			t.Errorf("%s: the proxy is named: %v\n%s", name, through, got.err)
		}
	}
}

// A proxy that says nothing is named, and so is one that does not speak what gRPC needs.
func TestProxy_IsNamedWhenItHangs(t *testing.T) {
	t.Parallel()
	hanging, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer hanging.Close()
	old := httptest.NewServer(http.NotFoundHandler())
	defer old.Close()
	for server, env := range map[string]string{
		"http://collector.example:1":  "HTTP_PROXY=http://" + hanging.Addr().String(),
		"https://collector.example:1": "HTTPS_PROXY=http://" + hanging.Addr().String(),
		"http://collector.example:2":  "HTTP_PROXY=" + old.URL,
	} {
		for _, protocol := range []string{"connect", "grpc"} {
			got := withEnv(t, []string{env}, "status", "-s", server, "--timeout", "300ms", "--protocol", protocol)
			_, proxy, _ := strings.Cut(env, "=")
			if got.exit == 0 || !strings.Contains(got.err, "through the proxy "+proxy) {
				t.Errorf("%s by %s: exit %d\n%s", env, protocol, got.exit, got.err)
			}
		}
	}
}

// A proxy that works is used, for a collector that only it can find.
func TestProxy_Works(t *testing.T) {
	t.Parallel()
	a := serve(t, "--id", "a", "--listen", "127.0.0.1:0", "--db", "memory", "--console-host", "collector.example", "--example", "orders")
	var asked atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		out := r.Clone(r.Context())
		out.RequestURI, out.URL.Host = "", a.Address
		res, err := http.DefaultTransport.RoundTrip(out)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer res.Body.Close()
		for name, values := range res.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(res.StatusCode)
		_, _ = io.Copy(w, res.Body)
	}))
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	defer proxy.Close()
	got := withEnv(t, []string{"HTTP_PROXY=" + proxy.URL}, "services", "-s", "http://collector.example:50051")
	got.expect(t, 0, "shop.v1.OrderService", "")
	if asked.Load() == 0 {
		t.Error("the proxy was not asked")
	}
	got = withEnv(t, []string{"HTTP_PROXY=" + proxy.URL}, "call", "Nobody/HasThis", "-s", "http://collector.example:50051")
	if strings.Contains(got.err, "proxy") { // it was the collector that said so
		t.Error(got.err)
	}
}
