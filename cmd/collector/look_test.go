package main_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	a := serve(t, "--id", "a", "--listen", "127.0.0.1:0", "--db", "memory", "--ns", "users", "--example", "users")
	b := serve(t, "--id", "b", "--listen", "127.0.0.1:0", "--db", "memory", "--ns", "users")
	a.on(t, "connect", b.Address).expect(t, 0, "active", "")
	got := a.on(t, "check", "--json")
	var sound struct {
		OK     bool
		Checks []struct{ Check, Problem string }
	}
	if err := json.Unmarshal([]byte(got.out), &sound); err != nil || got.exit != 0 || !sound.OK {
		t.Fatalf("exit %d, %v\n%s%s", got.exit, err, got.out, got.err)
	}
	var names []string
	for _, c := range sound.Checks {
		names = append(names, c.Check)
	}
	want := "reachable, protocol connect, protocol grpc, protocol grpcweb, schemas, store, history, console, peer b"
	if strings.Join(names, ", ") != want {
		t.Errorf("checked %v, want %s", names, want)
	}
	a.on(t, "check").expect(t, 0, "in memory: connections and registered schemas are forgotten when it stops", "")
	a.on(t, "status").expect(t, 0, "", "store in memory, forgotten when it stops")
	b.kill()
	until(t, "a's connection to be stale", a.sees(t, "stale"))
	a.on(t, "check").expect(t, 1, "peer b\tPROBLEM\t", "problems found: 1")
	collector(t, "check", "-s", b.URL).expect(t, 3, "", "no collector answers")
}

func TestConsole(t *testing.T) {
	t.Parallel()
	a := serve(t, "--id", "a", "--listen", "127.0.0.1:0", "--db", "memory")
	a.on(t, "console").expect(t, 0, a.URL+"/console/?token=", "")
	a.on(t, "console", "--json").expect(t, 0, `"url": "`+a.URL+`/console/"`, "") // no secret in it
	page := a.get(t, "/console/")
	parts := linked.FindAllStringSubmatch(page, -1)
	if len(parts) < 2 {
		t.Fatalf("the page links %v, want at least a script and a style sheet\n%s", parts, page)
	}
	for _, part := range parts { // the binary was built by go build alone: all of it is in there
		if a.get(t, part[1]) == "" {
			t.Errorf("%s is empty", part[1])
		}
	}
	off := serve(t, "--id", "off", "--listen", "127.0.0.1:0", "--db", "memory", "--console", "off")
	off.on(t, "console").expect(t, 1, "", "shows no console")
}

var linked = regexp.MustCompile(`(?:src|href)="(/console/[^"]+)"`)

// get answers what a browser would get.
func (p *process) get(t *testing.T, path string) string {
	t.Helper()
	res, err := http.Get(p.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("%s answers %s, %v", path, res.Status, err)
	}
	return string(body)
}

// Every change of a connection is a line, with the reason.
func TestConnectionsWatch(t *testing.T) {
	t.Parallel()
	a := serve(t, "--id", "a", "--listen", "127.0.0.1:0", "--db", "memory", "--ns", "users")
	b := serve(t, "--id", "b", "--listen", "127.0.0.1:0", "--db", "memory", "--ns", "users")
	a.on(t, "connect", b.Address).expect(t, 0, "active", "")
	watch := exec.Command(program, "connections", "watch", "--json", "-s", a.URL)
	stdout, err := watch.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := watch.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	next := func() (before, state string) {
		var change struct {
			Before     string
			Connection struct{ State string }
		}
		if !lines.Scan() || json.Unmarshal(lines.Bytes(), &change) != nil {
			t.Errorf("no line of JSON, but %q, %v", lines.Text(), lines.Err())
		}
		return change.Before, change.Connection.State
	}
	if before, state := next(); before != "CONNECTION_STATE_UNSPECIFIED" || state != "CONNECTION_STATE_ACTIVE" {
		t.Errorf("found %s after %s", state, before)
	}
	b.kill()
	if before, state := next(); before != "CONNECTION_STATE_ACTIVE" || state != "CONNECTION_STATE_STALE" {
		t.Errorf("%s after %s, want stale after active", state, before)
	}
	if err := watch.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := watch.Wait(); err != nil {
		t.Errorf("Ctrl-C ends it with %v", err)
	}
}

// The end of a connection by our own stop is no loss that anyone must be warned of.
func TestStoppingIsNoLoss(t *testing.T) {
	t.Parallel()
	a := serve(t, "--id", "a", "--listen", "127.0.0.1:0", "--db", "memory", "--ns", "users")
	b := serve(t, "--id", "b", "--listen", "127.0.0.1:0", "--db", "memory", "--ns", "users")
	a.on(t, "connect", b.Address).expect(t, 0, "active", "")
	a.signal(t, syscall.SIGTERM)
	if exit := a.wait(t); exit != 0 {
		t.Errorf("exit %d", exit)
	}
	if log := a.log.String(); strings.Contains(log, "connection lost") || !strings.Contains(log, `"connection ends"`) || !strings.Contains(log, "this collector stopped") {
		t.Errorf("it says\n%s", log)
	}
}

func TestBench(t *testing.T) {
	t.Parallel()
	a := serve(t, "--id", "a", "--listen", "127.0.0.1:0", "--db", "memory", "--example", "users")
	got := a.on(t, "bench", "UserService/ListUsers", "-n", "500", "-c", "4", "--json")
	var result struct {
		Calls, Errors int
		Rate          float64 `json:"calls_per_second"`
		P50           int64   `json:"p50_nanos"`
		Max           int64   `json:"max_nanos"`
	}
	if err := json.Unmarshal([]byte(got.out), &result); err != nil || got.exit != 0 {
		t.Fatalf("exit %d, %v\n%s%s", got.exit, err, got.out, got.err)
	}
	if result.Calls != 500 || result.Errors != 0 || result.Rate <= 0 || result.P50 <= 0 || result.Max < result.P50 {
		t.Errorf("%+v", result)
	}
	a.on(t, "bench", "UserService/ListUsers", "--for", "200ms", "--csv").expect(t, 0, "calls,errors,seconds", "")
	a.on(t, "bench", "UserService/GetUser", "-n", "10").expect(t, 1, "10\t10\t", "10 of 10 calls failed, the first: ")
}

// The collector filters: what tap shows of one who ran calls is what that one ran.
func TestTapOfOneWhoRan(t *testing.T) {
	t.Parallel()
	a := serve(t, "--id", "a", "--listen", "127.0.0.1:0", "--db", "memory", "--ns", "orders", "--example", "users")
	b := serve(t, "--id", "b", "--listen", "127.0.0.1:0", "--db", "memory", "--example", "orders")
	a.on(t, "connect", b.Address).expect(t, 0, "active", "")
	a.on(t, "call", createOrder, "-d", `{"sku":"tea","qty":2}`).expect(t, 0, "o-1", "handled by b")
	a.on(t, "call", "UserService/ListUsers").expect(t, 0, "", "handled by a")
	got := a.on(t, "tap", "--once", "--to", "b", "--last", "100")
	if got.exit != 0 || !strings.Contains(got.out, "CreateOrder") || strings.Contains(got.out, "ListUsers") {
		t.Errorf("exit %d\n%s%s", got.exit, got.out, got.err)
	}
}
