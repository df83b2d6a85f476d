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
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/collectiverpc/collective/cmd/collector/internal/demo"
)

func TestDemo(t *testing.T) {
	t.Parallel()
	keep := filepath.Join(t.TempDir(), "kept")
	got := collector(t, "demo", "--port", "0", "--for", "5s", "--json", "--keep", keep)
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
	if report.SeededFaults == 0 {
		t.Error("no call failed on purpose")
	}
	ran := 0
	for _, n := range report.Executors {
		ran += n
	}
	if ran+report.Failed+report.SeededFaults+report.UnavailableDuringOutage != report.Calls {
		t.Errorf("the numbers do not add up: %+v", report)
	}
	for _, c := range report.Collectors {
		expectNobody(t, c.URL)
		if _, err := os.Stat(filepath.Join(keep, c.ID+".db")); err != nil {
			t.Errorf("not kept: %v", err)
		}
	}
}

// The same story without processes, and faster.
func TestDemoInProcess(t *testing.T) {
	t.Parallel()
	got := collector(t, "demo", "--in-process", "--port", "0", "--for", "10s", "--speed", "2.5", "--json")
	var report demo.Report
	if err := json.Unmarshal([]byte(got.out), &report); err != nil || got.exit != 0 {
		t.Fatalf("exit %d, %v\n%s%s", got.exit, err, got.out, got.err)
	}
	if !report.OK() || report.UnavailableDuringOutage == 0 || report.Seconds < 4 {
		t.Errorf("%+v", report)
	}
	if !strings.Contains(got.err, "# cutting off b") {
		t.Errorf("it claims to kill what it cannot kill:\n%s", got.err)
	}
}

var urlOfCollector = regexp.MustCompile(`^# collector \w +(http://\S+)`)

// Ctrl-C in the middle stops everything that the demo started.
func TestDemoInterrupted(t *testing.T) {
	t.Parallel()
	temp := t.TempDir()
	command := exec.Command(program, "demo", "--port", "0", "--for", "10m")
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

// The ports belong to somebody else: the demo says so and takes free ones.
func TestDemoWithPortsTaken(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	taken := listener.Addr().(*net.TCPAddr).Port
	got := collector(t, "demo", "--port", strconv.Itoa(min(taken, 65533)), "--for", "3s")
	got.expect(t, 0, "failed", "is taken, so the collectors listen on free ports")
}

// Somebody takes the port of the killed collector before it is back: it comes back on another one, on the same record.
func TestDemoWithThePortTakenDuringTheOutage(t *testing.T) {
	t.Parallel()
	keep := t.TempDir()
	captions, writer := io.Pipe()
	thief := make(chan net.Listener, 1)
	go func() { thief <- takePortOfB(t, captions) }()
	report, err := demo.Run(t.Context(), demo.Config{Program: program, Seed: 1, For: 5 * time.Second, Keep: keep, Lines: io.Discard, Notes: writer})
	_ = writer.Close() // never fails
	if listener := <-thief; listener != nil {
		defer listener.Close()
		if err == nil && report.Collectors[1].URL == "http://"+listener.Addr().String() {
			t.Errorf("b reports the address of somebody else: %s", report.Collectors[1].URL)
		}
	}
	if err != nil || !report.OK() {
		t.Fatalf("%+v, %v", report, err)
	}
}

var stale = regexp.MustCompile(`sees connection \S+ to b: stale`)

// takePortOfB reads captions to their end and listens where b did as soon as b is known to be gone.
func takePortOfB(t *testing.T, captions io.Reader) (thief net.Listener) {
	var address string
	var connections []string
	for lines := bufio.NewScanner(captions); lines.Scan(); {
		line := lines.Text()
		if b, ok := strings.CutPrefix(line, "# collector b   http://"); ok && address == "" {
			address, _, _ = strings.Cut(b, " ")
		}
		if match := connectionID.FindString(line); match != "" {
			connections = append(connections, match)
		}
		if thief == nil && stale.MatchString(line) {
			var err error
			if thief, err = net.Listen("tcp", address); err != nil {
				t.Error(err)
			}
		}
	}
	if slices.Sort(connections); len(slices.Compact(connections)) != 1 {
		t.Errorf("a and b have the connections %v, want one all the time", connections)
	}
	return thief
}

var connectionID = regexp.MustCompile(`connection c-\w+`)

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
