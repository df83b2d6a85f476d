package main_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/collectiverpc/collective/internal/meshtest"
)

// TestExamplesOfTheHelp runs each example that the help of a command shows, as it is printed, against collectors that
// run: a person who copies it must get what it promises. Only ports, the id of a connection and the directory of the demo
// are those of the test.
func TestExamplesOfTheHelp(t *testing.T) {
	t.Parallel()
	tools := exampleTools(t)
	commands := commandPaths(t)
	if len(commands) < 20 {
		t.Fatalf("only these commands: %q", commands)
	}
	for _, path := range commands {
		examples := examplesOf(helpOf(t, path))
		if len(examples) == 0 {
			continue
		}
		t.Run(strings.Join(append([]string{"collector"}, path...), " "), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, tools)
			if line, ok := before[strings.Join(path, " ")]; ok {
				b.run(t, line)
			}
			for _, line := range examples {
				b.run(t, line)
			}
		})
	}
}

// before is what makes the file that the examples of a command change, where they do not make it themselves.
var before = map[string]string{
	"services unregister": "collector services register proto/shop/v1/orders.proto --ns orders",
	"trust rotate-secret": "collector trust new-secret --mesh-secret-file mesh.secret",
}

func helpOf(t *testing.T, path []string) string {
	t.Helper()
	got := collector(t, append(path[:len(path):len(path)], "--help")...)
	if got.exit != 0 {
		t.Fatalf("%v --help: exit %d\n%s", path, got.exit, got.err)
	}
	return got.out
}

// commandPaths are all commands, by their words; the root is the empty one.
func commandPaths(t *testing.T) [][]string {
	t.Helper()
	paths := [][]string{nil}
	for next := 0; next < len(paths); next++ {
		for _, name := range commandsIn(helpOf(t, paths[next])) {
			paths = append(paths, append(paths[next][:len(paths[next]):len(paths[next])], name))
		}
	}
	return paths
}

var (
	commandGroup = regexp.MustCompile(`^(Start|Look|Act|Help|Available Commands):$`)
	commandLine  = regexp.MustCompile(`^  ([a-z-]+) +\S`)
)

// commandsIn are the commands that a help text lists.
func commandsIn(help string) (names []string) {
	listing := false
	for line := range strings.Lines(help) {
		line = strings.TrimRight(line, "\n")
		name := commandLine.FindStringSubmatch(line)
		switch {
		case commandGroup.MatchString(line):
			listing = true
		case listing && name != nil && name[1] != "help":
			names = append(names, name[1])
		case name == nil:
			listing = false
		}
	}
	return names
}

// examplesOf are the lines below Examples, continued ones joined.
func examplesOf(help string) []string {
	_, rest, found := strings.Cut(help, "\nExamples:\n")
	if !found {
		return nil
	}
	block, _, _ := strings.Cut(rest, "\n\n")
	return strings.Split(strings.TrimSpace(strings.ReplaceAll(block, "\\\n", " ")), "\n")
}

// exampleTools is a directory with the programs that examples use beside those of the machine.
func exampleTools(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	buf, err := exec.CommandContext(t.Context(), "go", "tool", "-modfile=../../tools/go.mod", "-n", "buf").Output()
	if err != nil {
		t.Fatalf("building buf: %v", err)
	}
	for name, path := range map[string]string{"collector": program, "buf": strings.TrimSpace(string(buf))} {
		if err := os.Symlink(path, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// bench is a mesh and a directory in which the examples of one command work. a hosts orders and is asked; b hosts orders
// too, c users and orders; d is alone.
type bench struct {
	dir   string
	env   []string
	words *strings.Replacer
}

func newBench(t *testing.T, tools string) bench {
	t.Helper()
	serveOne := func(id string, more ...string) *process {
		file := filepath.Join(t.TempDir(), id+".db") // with a key that others remember
		return serve(t, append([]string{"--id", id, "--listen", "127.0.0.1:0", "--db", file}, more...)...)
	}
	b := serveOne("b", "--example", "orders", "--ns", "users")
	c := serveOne("c", "--example", "users,orders")
	d := serveOne("d", "--example", "orders")
	a := serveOne("a", "--example", "orders", "--ns", "users", "--join", b.Address, "--join", c.Address)
	for _, peer := range []*process{b, c} {
		until(t, "a to know what its peers serve", func() bool { return a.on(t, "route", createOrder, "--to", peer.ID).exit == 0 })
	}
	until(t, "a to know where users are", func() bool { return a.on(t, "route", "UserService/GetUser").exit == 0 })
	a.on(t, "call", createOrder, "-d", `{"sku":"tea","qty":1}`).expect(t, 0, "o-1", "")
	a.on(t, "call", createOrder).expect(t, 67, "", "sku")
	toC := strings.TrimSpace(a.on(t, "connections", "--peer", "c", "-o", "name").out)
	dir := exampleFiles(t)
	return bench{
		dir: dir,
		env: append(os.Environ(), "PATH="+tools+":"+os.Getenv("PATH"), "HOME="+dir, "XDG_CONFIG_HOME="+filepath.Join(dir, ".config"),
			"COLLECTOR_URL="+a.URL, "COLLECTOR_LISTEN=127.0.0.1:0", "COLLECTOR_CONTEXT=", "DISPLAY=", "WAYLAND_DISPLAY="),
		words: strings.NewReplacer("--listen 127.0.0.1:50052", "--listen 127.0.0.1:0", "--listen :50051", "--listen :0",
			"127.0.0.1:50051", a.Address, "127.0.0.1:50052", d.Address, "c-7f2a9c0de144", toC, "/tmp/demo", filepath.Join(dir, "demo"),
			"collector demo", "collector demo --port 0", "https://mesh.example", a.URL, "mesh.example", meshtest.TrustDomain),
	}
}

// exampleFiles is a directory with the files that examples name.
func exampleFiles(t *testing.T) string {
	t.Helper()
	ca := newAuthority(t)
	ca.issue(t, "a")
	dir := ca.dir
	cert, key := certificate(t)
	for _, err := range []error{
		os.CopyFS(filepath.Join(dir, "proto"), os.DirFS("../../proto")),
		os.Rename(cert, filepath.Join(dir, "cert.pem")), os.Rename(key, filepath.Join(dir, "key.pem")),
		os.WriteFile(filepath.Join(dir, "buf.yaml"), []byte("version: v2\nmodules:\n  - path: proto\n"), 0o600),
		os.WriteFile(filepath.Join(dir, "api-keys"), []byte("ci service deployers sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n"+
			"ci service deployers sha256:60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752\n"), 0o600),
		os.WriteFile(filepath.Join(dir, "collector.yaml"), []byte("id: e\nns: [orders]\ndb: memory\n"), 0o600),
		os.WriteFile(filepath.Join(dir, "token"), []byte("not judged here\n"), 0o600),
		os.WriteFile(filepath.Join(dir, "policy.cedar"), []byte(`permit (principal, action in [Action::"call", Action::"serve"], resource);`), 0o600),
		os.WriteFile(filepath.Join(dir, "request.json"), []byte(`{"id":"u-1"}`), 0o600),
		os.MkdirAll(filepath.Join(dir, ".config", "fish", "completions"), 0o700),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// endless are the examples that run until Ctrl-C, or for longer than a test should: they must start, and end by it.
var endless = regexp.MustCompile(`^collector (serve|demo|tap --(errors|ns|status)|connections watch|audit -f|top -n 60|call \S+/WatchOrders)`)

// run runs an example as a shell does. What is endless is interrupted once it has said something.
func (b bench) run(t *testing.T, line string) {
	t.Helper()
	line = strings.TrimSpace(line)
	if _, err := exec.LookPath("jq"); err != nil && os.Getenv("CI") != "true" {
		line, _, _ = strings.Cut(line, " | jq")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	words := "set -o pipefail; " + b.words.Replace(line)
	if endless.MatchString(line) {
		words = "exec " + b.words.Replace(line)
	}
	out := &heard{first: make(chan struct{})}
	command := exec.CommandContext(ctx, "bash", "-c", words)
	command.Dir, command.Env, command.Stdout, command.Stderr = b.dir, b.env, out, out
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	var err error
	if endless.MatchString(line) {
		err = b.interrupt(command, out, ended)
	} else {
		err = <-ended
	}
	if exit, failed := errors.AsType[*exec.ExitError](err); err != nil && (!failed || exit.ExitCode() != 130 || !endless.MatchString(line)) {
		t.Errorf("$ %s\n%s%v", line, out, err)
	}
}

// interrupt is Ctrl-C, once there is something to see, or after a while in which nothing happened.
func (b bench) interrupt(command *exec.Cmd, out *heard, ended <-chan error) error {
	select {
	case err := <-ended:
		return err
	case <-out.first:
	case <-time.After(3 * time.Second):
	}
	_ = command.Process.Signal(syscall.SIGINT) // it may have ended
	return <-ended
}

// heard is output that tells when it begins.
type heard struct {
	transcript
	first chan struct{}
	begun bool
}

func (h *heard) Write(p []byte) (int, error) {
	if !h.begun {
		h.begun = true
		close(h.first)
	}
	return h.transcript.Write(p)
}
