// Package examples_test runs the examples that are modules of their own, as their users would.
package examples_test

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/collectiverpc/collective/dispatcher"
	shopv1 "github.com/collectiverpc/collective/gen/shop/v1"
	"github.com/collectiverpc/collective/gen/shop/v1/shopv1connect"
	"github.com/collectiverpc/collective/internal/meshtest"
)

// A program in its own module uses store, registry, history, interceptors, the console and Dial with what is public, wired
// in 60 lines.
func TestApp_IsWiredInSixtyLines(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("app", "main.go"))
	must(t, err)
	if lines := bytes.Count(text, []byte("\n")); lines > 60 {
		t.Errorf("app/main.go has %d lines, at most 60: the library should need fewer, or the rest belongs into another file", lines)
	}
	for _, used := range []string{"store.Open", "registry.New", "WithStoredHistory", "WithServerInterceptors", "web.Config", "dispatcher.Dial"} {
		if !bytes.Contains(text, []byte(used)) {
			t.Errorf("app/main.go has no %s", used)
		}
	}
	files, err := filepath.Glob(filepath.Join("app", "*.go"))
	must(t, err)
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		must(t, err)
		for _, spec := range file.Imports {
			if imported, _ := strconv.Unquote(spec.Path.Value); strings.Contains(imported+"/", "/internal/") {
				t.Errorf("%s imports %s, which nobody else can", name, imported)
			}
		}
	}
}

// app is the program, running.
type app struct {
	program, address, file string
	process                *exec.Cmd
}

func buildApp(t *testing.T) app {
	t.Helper()
	dir := t.TempDir()
	a := app{program: filepath.Join(dir, "app"), address: meshtest.FreeAddress(t), file: filepath.Join(dir, "app.db")}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", a.program, ".")
	build.Dir = "app"
	build.Env = append(os.Environ(), "GOFLAGS=-mod=readonly", "GOWORK=off") // as it is committed
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	return a
}

// serve starts the program and waits until it listens.
func (a *app) serve(t *testing.T) {
	t.Helper()
	a.process = exec.CommandContext(t.Context(), a.program, "serve", a.address, a.file)
	stderr, err := a.process.StderrPipe()
	must(t, err)
	must(t, a.process.Start())
	process := a.process
	t.Cleanup(func() {
		_ = process.Process.Kill() // it may be gone already
		_ = process.Wait()
	})
	said := bufio.NewReader(stderr)
	for {
		line, err := said.ReadString('\n')
		if err != nil {
			t.Fatalf("the app ends with %q, %v", line, err)
		}
		if strings.Contains(line, "listening") {
			go io.Copy(io.Discard, said) //nolint:errcheck // until it ends
			return
		}
	}
}

func (a *app) kill(t *testing.T) {
	t.Helper()
	must(t, a.process.Process.Kill())
	if err := a.process.Wait(); err == nil {
		t.Error("the app was killed, and says that all is well")
	}
}

// command runs the program as a client of itself.
func (a *app) command(t *testing.T, args ...string) string {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), a.program, args...).Output()
	if err != nil {
		t.Errorf("app %v: %v", args, err)
	}
	return string(output)
}

func TestApp_KeepsTheReadmesWord(t *testing.T) {
	t.Parallel()
	a := buildApp(t)
	a.serve(t)
	a.answersAnyClient(t)
	a.answersWhoDials(t)
	a.showsItsConsole(t)
	a.awaitWritten(t)

	a.kill(t)
	a.serve(t)
	history := a.command(t, "history", a.address)
	if got := strings.Count(history, shopv1connect.UserServiceGetUserProcedure+" ok by app"); got != 3 {
		t.Errorf("after a kill it remembers %d calls of 3:\n%s", got, history)
	}
	must(t, a.process.Process.Signal(syscall.SIGTERM))
	if err := a.process.Wait(); err != nil {
		t.Errorf("the app does not stop in order: %v", err)
	}
}

// answersAnyClient makes the first call of the history.
func (a *app) answersAnyClient(t *testing.T) {
	t.Helper()
	client := meshtest.HTTP2Client(t)
	users := shopv1connect.NewUserServiceClient(connect.NewClient(connecthttp.NewTransport(client, "http://"+a.address)))
	ctx, info := connect.NewClientContext(t.Context())
	res, err := users.GetUser(ctx, &shopv1.GetUserRequest{Id: "u-1"})
	if err != nil || res.GetUser().GetName() != "Ada Lovelace" {
		t.Errorf("a plain client gets %v, %v", res, err)
	}
	if number := info.ResponseHeader().Get("App-Call"); !regexp.MustCompile(`^[1-9]\d*$`).MatchString(number) {
		t.Errorf("the interceptor gave the number %q", number)
	}
}

// answersWhoDials makes two more, one of them by the program itself.
func (a *app) answersWhoDials(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), meshtest.Patience)
	defer cancel()
	client, err := dispatcher.Dial(ctx, a.address, []string{"users"}, dispatcher.WithLogger(slog.New(slog.DiscardHandler)))
	must(t, err)
	users := shopv1connect.NewUserServiceClient(connect.NewClient(client.Transport("users")))
	res, err := users.GetUser(ctx, &shopv1.GetUserRequest{Id: "u-1"})
	if err != nil || res.GetUser().GetName() != "Ada Lovelace" {
		t.Errorf("who dials gets %v, %v", res, err)
	}
	must(t, client.Close())
	if got := a.command(t, "call", a.address, "u-1"); got != "Ada Lovelace\n" {
		t.Errorf("app call: %s", got)
	}
}

func (a *app) showsItsConsole(t *testing.T) {
	t.Helper()
	client := &http.Client{Transport: new(http.Transport), Timeout: meshtest.Patience}
	t.Cleanup(client.CloseIdleConnections)
	res, err := client.Get("http://" + a.address + "/console/")
	must(t, err)
	page, err := io.ReadAll(res.Body)
	must(t, errors.Join(err, res.Body.Close()))
	if !strings.Contains(string(page), `data-base="/console/"`) {
		t.Errorf("the console is %s", page)
	}
}

// awaitWritten waits until the calls are on disk, about a second: what a kill may cost is the calls of that second.
func (a *app) awaitWritten(t *testing.T) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+a.file+"?mode=ro")
	must(t, err)
	defer db.Close()
	ctx, cancel := context.WithTimeout(t.Context(), meshtest.Patience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for written := 0; written < 3; <-tick.C {
		must(t, db.QueryRowContext(ctx, "SELECT count(*) FROM dispatch").Scan(&written))
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
