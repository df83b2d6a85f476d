package link_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/collectiverpc/collective/conn/link"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
)

// childVariable makes the test binary a process that accepts links until its standard input ends.
const childVariable = "LINK_TEST_CHILD"

// acceptLinks serves EchoService on every link and tells its address on standard output.
func acceptLinks() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() {
		_, _ = bufio.NewReader(os.Stdin).ReadByte()
		os.Exit(0)
	}()
	fmt.Println(listener.Addr())
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() { _, _ = link.Server(context.Background(), conn, config("child", echo{})) }()
	}
}

// startChild starts such a process and returns it with its address.
func startChild(t *testing.T) (*os.Process, string) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childVariable+"=1")
	child.Stderr = os.Stderr
	stdin, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = child.Process.Signal(syscall.SIGCONT)
		stdin.Close()
		_ = child.Wait()
	})
	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return child.Process, strings.TrimSpace(address)
}

func dialChild(t *testing.T, address string) pair {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	l, err := link.Client(t.Context(), conn, config("parent", echo{}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close("test over") })
	return pair{a: l}
}

// TestFrozenProcess stops the other process for ten seconds and lets it go on. Its links are dead by then, calls in
// flight have failed, and the answers that it still sends reach nobody: neither the old calls nor those of a new link
// that have the same ids.
func TestFrozenProcess(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes 11 s")
	}
	child, address := startChild(t)
	p := dialChild(t, address)
	stop := make(chan struct{})
	failures := make(chan error, 16)
	for i := range cap(failures) {
		go func() {
			for n := 0; ; n++ {
				want := fmt.Sprint("caller ", i, " call ", n)
				got, err := p.client().Echo(t.Context(), &testingv1.EchoRequest{Text: want})
				if err == nil && got.GetText() != want {
					err = fmt.Errorf("%q was answered with %q", want, got.GetText())
				}
				if err != nil {
					failures <- err
					return
				}
				if n == 100 && i == 0 {
					close(stop)
				}
			}
		}()
	}
	<-stop
	if err := child.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	late, frozen := watchLateness(t), time.Now()
	thaw := time.NewTimer(10 * time.Second)
	<-p.a.Done()
	if took, want := time.Since(frozen), late.within(); took > want {
		t.Errorf("noticed after %v, want at most %v", took, want)
	}
	for range cap(failures) {
		wantLost(t, <-failures, true)
	}

	<-thaw.C
	if err := child.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	p = dialChild(t, address)
	for n := range 1000 {
		want := fmt.Sprint("second life, call ", n)
		got, err := p.client().Echo(t.Context(), &testingv1.EchoRequest{Text: want})
		if err != nil || got.GetText() != want {
			t.Fatalf("%q was answered with %q, %v", want, got.GetText(), err)
		}
	}
}
