package main_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"

	"github.com/collectiverpc/collective/cmd/collector/internal/demo"
)

func TestDemo(t *testing.T) {
	t.Parallel()
	keep := filepath.Join(t.TempDir(), "kept")
	got := collector(t, "demo", "--for", "5s", "--json", "--keep", keep)
	if got.exit != 0 {
		t.Fatalf("exit %d\n%s%s", got.exit, got.out, got.err)
	}
	var report demo.Report
	if err := json.Unmarshal([]byte(got.out), &report); err != nil {
		t.Fatalf("stdout is not one JSON document: %v\n%s", err, got.out)
	}
	if report.Failed != 0 || !report.Recovered || report.Calls < 15 || report.Routed < report.Calls/3 || len(report.Executors) != 3 {
		t.Errorf("%+v", report)
	}
	if report.UnavailableDuringOutage == 0 {
		t.Error("no call needed the killed collector while it was away")
	}
	ran := 0
	for _, n := range report.Executors {
		ran += n
	}
	if ran+report.Failed+report.UnavailableDuringOutage != report.Calls {
		t.Errorf("the numbers do not add up: %+v", report)
	}
	for _, c := range report.Collectors {
		expectNobody(t, c.URL)
		if _, err := os.Stat(filepath.Join(keep, c.ID+".db")); err != nil {
			t.Errorf("not kept: %v", err)
		}
	}
}

var urlOfCollector = regexp.MustCompile(`^# collector \w +(http://\S+)`)

// Ctrl-C in the middle stops everything that the demo started.
func TestDemoInterrupted(t *testing.T) {
	t.Parallel()
	temp := t.TempDir()
	command := exec.Command(program, "demo", "--for", "10m")
	command.Env = append(os.Environ(), "TMPDIR="+temp)
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	urls := make(chan []string, 1)
	go func() { urls <- readURLs(stderr) }()
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		t.Errorf("first line %q: %v", line, err)
	}
	if err := command.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, stdout) // until the demo and all its children have closed it
	started := <-urls
	if err := command.Wait(); err == nil || command.ProcessState.ExitCode() != 130 {
		t.Errorf("ended with %v, want exit 130", err)
	}
	if len(started) != 3 {
		t.Errorf("started %v", started)
	}
	for _, url := range started {
		expectNobody(t, url)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// readURLs reads captions to their end and returns where the collectors listen.
func readURLs(captions io.Reader) []string {
	var urls []string
	lines := bufio.NewScanner(captions)
	for lines.Scan() {
		if match := urlOfCollector.FindStringSubmatch(lines.Text()); match != nil {
			urls = append(urls, match[1])
		}
	}
	return urls
}

// The usual ports belong to somebody else: the demo says so and takes free ones.
func TestDemoWithPortsTaken(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:50052")
	if err == nil { // else it is taken already, which is as good
		defer listener.Close()
	}
	got := collector(t, "demo", "--for", "3s")
	got.expect(t, 0, "failed", "is taken, so the collectors listen on free ports")
}

func TestDemoOfABrokenProgram(t *testing.T) {
	t.Parallel()
	_, err := demo.Run(t.Context(), demo.Config{Program: "/bin/false", For: demo.Shortest, Lines: io.Discard, Notes: io.Discard})
	if err == nil {
		t.Fatal("a program that is no collector makes a demo")
	}
	if _, isPath := errors.AsType[*os.PathError](err); isPath {
		t.Skipf("no /bin/false here: %v", err)
	}
}

func expectNobody(t *testing.T, address string) {
	t.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", parsed.Host)
	if err == nil {
		_ = conn.Close()
		t.Errorf("somebody still listens at %s", address)
	}
}
