package cli_test

import (
	"os"
	"path/filepath"
	"testing"
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

	if got, want := run("context", "ls").out, "east\ttrue\t"+east+"\tconnect\nwest\tfalse\t"+west+"\tgrpc\n"; got != want {
		t.Errorf("listed %q, want %q", got, want)
	}
	run("context", "rm", "east").expect(t, 0)
	run("status", "-s", west).expect(t, 0, west) // no current one, and that is fine
	run("context", "rm", "east").expect(t, 2, `no context "east"`)
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
