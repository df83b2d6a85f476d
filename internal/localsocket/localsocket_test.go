package localsocket_test

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/collectiverpc/collective/internal/localsocket"
)

const address = "127.0.0.1:50051"

// home is an environment whose sockets are in a directory of the test.
func home(t *testing.T) (env localsocket.Getenv, dir string) {
	t.Helper()
	run, err := os.MkdirTemp("", "sock") // t.TempDir is too long for the path of a socket
	check(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(run) })
	return func(name string) string { return map[string]string{"XDG_RUNTIME_DIR": run}[name] }, filepath.Join(run, "collective")
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func listen(t *testing.T, env localsocket.Getenv, address string) *localsocket.Listener {
	t.Helper()
	l, err := localsocket.Listen(t.Context(), env, address)
	check(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func TestARequestSaysWhoSentIt(t *testing.T) {
	t.Parallel()
	env, dir := home(t)
	l := listen(t, env, address)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer, ok := localsocket.PeerFromContext(r.Context())
		if !ok || int(peer.UID) != os.Getuid() || int(peer.PID) != os.Getpid() || !strings.Contains(r.RemoteAddr, "pid ") {
			t.Errorf("%v %v from %q, want this process", peer, ok, r.RemoteAddr)
		}
		_, _ = io.WriteString(w, "here")
	})}
	go func() { _ = server.Serve(l) }()
	defer server.Close()
	path := localsocket.Find(env, "localhost", "50051")
	if path != l.Path() || filepath.Dir(path) != dir {
		t.Fatalf("found %q, want %q", path, l.Path())
	}
	client := &http.Client{Transport: &http.Transport{DialContext: dialer(path)}}
	defer client.CloseIdleConnections()
	res, err := client.Get("http://collector/")
	check(t, err)
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); string(body) != "here" {
		t.Errorf("%s", body)
	}
	info, err := os.Lstat(path)
	check(t, err)
	if parent, _ := os.Lstat(dir); info.Mode().Perm() != 0o600 || parent.Mode().Perm() != 0o700 {
		t.Errorf("modes %v in %v", info.Mode(), parent.Mode())
	}
	check(t, l.Close())
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// Which collector an address means, and which are left to the network.
func TestFind(t *testing.T) {
	t.Parallel()
	env, _ := home(t)
	listen(t, env, "127.0.0.1:1")
	listen(t, env, "[::]:2")
	listen(t, env, "127.0.0.1:3")
	listen(t, env, "[::1]:3")
	listen(t, env, "192.0.2.7:4")
	for _, tt := range []struct{ host, port, want string }{
		{"127.0.0.1", "1", "127.0.0.1@1.sock"},
		{"LOCALHOST.", "1", "127.0.0.1@1.sock"},
		{"mesh.localhost", "1", "127.0.0.1@1.sock"},
		{"0.0.0.0", "1", "127.0.0.1@1.sock"},
		{"::1", "1", ""},
		{"127.0.0.2", "1", ""},
		{"127.0.0.1", "2", "::@2.sock"},
		{"::ffff:127.0.0.1", "2", "::@2.sock"},
		{"::1", "2", "::@2.sock"},
		{"127.0.0.1", "3", "127.0.0.1@3.sock"},
		{"::1", "3", "::1@3.sock"},
		{"localhost", "3", ""}, // two collectors
		{"192.0.2.7", "4", ""}, // another machine, as far as one knows
		{"127.0.0.1", "4", ""},
		{"collector.example", "1", ""},
		{"127.0.0.1", "../1", ""},
	} {
		found := localsocket.Find(env, tt.host, tt.port)
		if found != "" {
			found = filepath.Base(found)
		}
		if found != tt.want {
			t.Errorf("%s:%s is %q, want %q", tt.host, tt.port, found, tt.want)
		}
	}
}

func TestWhatAnotherLeftIsReplaced(t *testing.T) {
	t.Parallel()
	env, dir := home(t)
	check(t, os.Mkdir(dir, 0o700))
	for _, name := range []string{"127.0.0.1@50051.sock", "127.0.0.1@9.sock"} {
		left, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, name)})
		check(t, err)
		left.SetUnlinkOnClose(false)
		check(t, left.Close())
	}
	l := listen(t, env, address)
	entries, err := os.ReadDir(dir)
	check(t, err)
	if len(entries) != 1 || entries[0].Name() != filepath.Base(l.Path()) {
		t.Errorf("%v, want the new one alone", entries)
	}
}

// A process that is still there keeps its socket, and takes nobody else's away when it leaves.
func TestWhoIsThereStays(t *testing.T) {
	t.Parallel()
	env, dir := home(t)
	first := listen(t, env, address)
	if _, err := localsocket.Listen(t.Context(), env, address); err == nil || !strings.Contains(err.Error(), "another process listens there") {
		t.Fatalf("a second one: %v", err)
	}
	check(t, os.Rename(first.Path(), filepath.Join(dir, "moved.sock")))
	second := listen(t, env, address)
	check(t, first.Close())
	if _, err := os.Lstat(second.Path()); err != nil {
		t.Errorf("the first one took it along: %v", err)
	}
}

func TestAnUnsafeDirectoryIsRefused(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(dir string) error{
		"symbolic link": func(dir string) error {
			target := dir + ".elsewhere"
			if err := os.Mkdir(target, 0o700); err != nil {
				return err
			}
			return os.Symlink(target, dir)
		},
		"others may get in":       func(dir string) error { return chmod(os.Mkdir(dir, 0o755), dir, 0o755) },
		"no directory":            func(dir string) error { return os.WriteFile(dir, nil, 0o600) },
		"belongs to another user": func(dir string) error { return chown(os.Mkdir(dir, 0o700), dir) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, dir := home(t)
			if err := spoil(dir); err != nil {
				t.Skipf("NOT RUN: %v", err)
			}
			_, err := localsocket.ListenAt(t.Context(), filepath.Join(dir, "a.sock"))
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%v, want %q", err, name)
			}
			env := func(string) string { return filepath.Dir(dir) }
			if found := localsocket.Find(env, "127.0.0.1", "50051"); found != "" {
				t.Errorf("a client believes %s", found)
			}
		})
	}
}

// The next place is taken where the first cannot be used, and a client finds it there.
func TestTheNextPlaceIsTaken(t *testing.T) {
	t.Parallel()
	env, dir := home(t)
	check(t, os.WriteFile(dir, nil, 0o600))
	state := filepath.Dir(dir) // as HOME
	both := func(name string) string {
		if name == "HOME" {
			return state
		}
		return env(name)
	}
	l := listen(t, both, address)
	if want := filepath.Join(state, ".local", "state", "collective"); filepath.Dir(l.Path()) != want {
		t.Errorf("%s, want it in %s", l.Path(), want)
	}
	if localsocket.Find(both, "127.0.0.1", "50051") != l.Path() {
		t.Error("it is not found")
	}
}

func TestWhatIsNoSocketIsLeftAlone(t *testing.T) {
	t.Parallel()
	_, dir := home(t)
	check(t, os.Mkdir(dir, 0o700))
	path := filepath.Join(dir, "a.sock")
	check(t, os.WriteFile(path, []byte("precious"), 0o600))
	if _, err := localsocket.ListenAt(t.Context(), path); err == nil || !strings.Contains(err.Error(), "is no socket") {
		t.Errorf("%v", err)
	}
	if content, _ := os.ReadFile(path); string(content) != "precious" {
		t.Errorf("%q", content)
	}
	long := filepath.Join(dir, strings.Repeat("x", localsocket.LongestPath))
	if _, err := localsocket.ListenAt(t.Context(), long); err == nil || !strings.Contains(err.Error(), "103 bytes") {
		t.Errorf("too long: %v", err)
	}
}
