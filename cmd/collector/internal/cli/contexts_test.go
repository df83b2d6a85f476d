package cli_test

import (
	"context"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

func TestContexts(t *testing.T) {
	t.Parallel()
	east, west := newFake(t, fakeMesh{}), newFake(t, fakeMesh{})
	sh := shell{env: map[string]string{"XDG_CONFIG_HOME": t.TempDir()}}
	run := func(args ...string) ran { return sh.run(t.Context(), args...) }

	run("context", "use", "east").expect(t, 2, `no context "east"`)
	run("context", "use", "-").expect(t, 2, "no previous context")
	run("context", "add", "-", "-s", east).expect(t, 2, "cannot be the name")
	run("context", "add", "east", "-s", "ftp://x").expect(t, 2, "want a URL")
	run("context", "add", "east", "-s", east).expect(t, 0)
	run("context", "add", "west", "-s", west, "--protocol", "grpc").expect(t, 0)
	run("status").expect(t, 0, east) // the first one is current
	run("context", "use", "west").expect(t, 0)
	run("status").expect(t, 0, west)
	run("context", "use", "-").expect(t, 0)
	run("status").expect(t, 0, east)
	run("status", "--context", "west").expect(t, 0, west)
	run("status", "--context", "north").expect(t, 2, `no context "north"`)
	run("status", "-s", west).expect(t, 0, west)

	if got, want := run("context", "ls").out, "east\ttrue\t"+east+"\tconnect\t\nwest\tfalse\t"+west+"\tgrpc\t\n"; got != want {
		t.Errorf("listed %q, want %q", got, want)
	}
	run("context", "rm", "east").expect(t, 0)
	run("status", "-s", west).expect(t, 0, west) // no current one, and that is fine
	run("context", "rm", "east").expect(t, 2, `no context "east"`)
}

// seen is a mesh that tells the headers it is asked with.
type seen struct {
	fakeMesh
	headers chan http.Header
}

func (s seen) GetStatus(ctx context.Context, req *meshv1.GetStatusRequest) (*meshv1.GetStatusResponse, error) {
	if info, ok := connect.CallInfoForServerContext(ctx); ok {
		header := http.Header{}
		for name, values := range info.RequestHeader().All() {
			header[http.CanonicalHeaderKey(name)] = values
		}
		s.headers <- header
	}
	return s.fakeMesh.GetStatus(ctx, req)
}

// A context keeps everything that says how its collector is asked: headers, the timeout, and files wherever the next
// command is run. Secrets are not shown, and are not sent to another server.
func TestContextKeepsHeaders(t *testing.T) {
	t.Parallel()
	mesh := seen{headers: make(chan http.Header, 1)}
	server, other := newFake(t, mesh), newFake(t, mesh)
	dir := t.TempDir()
	sh := shell{env: map[string]string{"XDG_CONFIG_HOME": dir}}
	run := func(args ...string) ran { return sh.run(t.Context(), args...) }
	added := run("context", "add", "east", "-s", server, "-H", "Authorization: Bearer hunter2", "-H", "X-Team: tea", "-H", "X-Team: milk", "--timeout", "7s")
	added.expect(t, 0)
	for _, got := range []ran{added, run("context", "ls", "--json"), run("context", "-o", "jsonl"), run("context")} {
		if strings.Contains(got.out+got.err, "hunter2") || !strings.Contains(got.out, "Authorization") {
			t.Errorf("listed:\n%s%s", got.out, got.err)
		}
	}
	asked := func(args ...string) http.Header {
		run(append([]string{"status"}, args...)...).expect(t, 0)
		return <-mesh.headers
	}
	if got := asked(); got.Get("Authorization") != "Bearer hunter2" || !slices.Equal(got["X-Team"], []string{"tea", "milk"}) || got.Get("Connect-Timeout-Ms") > "7000" {
		t.Errorf("sent %v", got)
	}
	if got := asked("-H", "x-team: none"); got.Get("Authorization") != "Bearer hunter2" || !slices.Equal(got["X-Team"], []string{"none"}) {
		t.Errorf("sent %v beside a header of the command line", got)
	}
	if got := asked("-s", other); got.Get("Authorization") != "" || got.Get("X-Team") != "" {
		t.Errorf("another server is sent %v", got)
	}
	info, err := os.Stat(filepath.Join(dir, "collector", "contexts.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestContextAddTakesNothingUseless(t *testing.T) {
	t.Parallel()
	sh := shell{env: map[string]string{"XDG_CONFIG_HOME": t.TempDir(), "COLLECTOR_URL": "http://env.example:1"}}
	run := func(args ...string) ran { return sh.run(t.Context(), args...) }
	run("context", "add", "x", "-H", "no colon").expect(t, 2, "-H")
	run("context", "add", "x", "--cacert", "nowhere.pem").expect(t, 2, "--cacert")
	run("context", "add", "x", "--cert", "a.pem").expect(t, 2, "belong together")
	run("context", "add", "x", "--timeout", "-1s").expect(t, 2, "--timeout")
	run("context", "add", "x", "--context", "y").expect(t, 2, "--context y")
	run("context", "use", "x").expect(t, 2, "no context")
	run("context", "add", "x").expect(t, 0)
	if got := run("context").out; !strings.Contains(got, "http://env.example:1") {
		t.Errorf("added %q, want what COLLECTOR_URL says", got)
	}
}

// A relative file is found from another directory too.
func TestContextKeepsAbsolutePaths(t *testing.T) {
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	t.Chdir(t.TempDir())
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	if err := os.WriteFile("ca.pem", block, 0o600); err != nil {
		t.Fatal(err)
	}
	sh := shell{env: map[string]string{"XDG_CONFIG_HOME": t.TempDir()}}
	sh.run(t.Context(), "context", "add", "x", "-s", secure.URL, "--cacert", "ca.pem").expect(t, 0)
	t.Chdir(t.TempDir())
	sh.run(t.Context(), "status").expect(t, 3, "is not a collector", "404") // it is trusted, and it is none
}

func TestPrecedence(t *testing.T) {
	t.Parallel()
	flag, env, saved := newFake(t, fakeMesh{}), newFake(t, fakeMesh{}), newFake(t, fakeMesh{})
	sh := shell{env: map[string]string{"XDG_CONFIG_HOME": t.TempDir()}}
	sh.run(t.Context(), "context", "add", "x", "-s", saved).expect(t, 0)
	sh.run(t.Context(), "status").expect(t, 0, saved)
	sh.env["COLLECTOR_URL"] = env
	sh.run(t.Context(), "status").expect(t, 0, env)
	sh.run(t.Context(), "status", "-s", flag).expect(t, 0, flag)
	sh.env["COLLECTOR_TIMEOUT"] = "soon"
	sh.run(t.Context(), "status").expect(t, 2, `COLLECTOR_TIMEOUT="soon"`)
	sh.run(t.Context(), "status", "--timeout", "9s").expect(t, 0)
}

func TestDamagedContexts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "collector", "contexts.json")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	sh := shell{env: map[string]string{"XDG_CONFIG_HOME": dir}}
	sh.run(t.Context(), "context").expect(t, 1, path, "damaged")
}

func TestNoHome(t *testing.T) {
	t.Parallel()
	server := newFake(t, fakeMesh{})
	shell{}.run(t.Context(), "status", "-s", server).expect(t, 0, server)
	shell{}.run(t.Context(), "context", "add", "x", "-s", server).expect(t, 1, "HOME")
}
