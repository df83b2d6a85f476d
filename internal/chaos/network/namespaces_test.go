//go:build linux

package network

import (
	"bufio"
	"errors"
	"net"
	"os"
	"testing"
	"time"
)

// inside runs f in the namespace of a site.
func inside[T any](s Site, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	s.(*namespace).do <- func() { value, err := f(); done <- result{value, err} }
	r := <-done
	return r.value, r.err
}

// Two sites reach each other, and what is lost on a cable comes when TCP has sent it again.
func TestNamespacesLosePackets(t *testing.T) {
	t.Parallel()
	n, err := newNamespaces()
	if err != nil {
		t.Skipf("NOT RUN: %v", err)
	}
	t.Cleanup(n.Close)
	a, errA := n.Add("a")
	b, errB := n.Add("b")
	if err := errors.Join(errA, errB); err != nil {
		t.Fatal(err)
	}
	listener, err := inside(b, func() (net.Listener, error) { return net.Listen("tcp4", b.Listen()) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	client, err := inside(a, func() (net.Conn, error) { return net.Dial("tcp4", b.Dial()) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	b.Cable().In(Fault{Lost: 1})
	if _, err := client.Write([]byte("hello\n")); err != nil {
		t.Fatal(err)
	}
	_ = server.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := server.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("through a cable that loses everything came: %v", err)
	}
	b.Cable().In(Fault{})
	_ = server.SetReadDeadline(time.Now().Add(10 * time.Second))
	if line, err := bufio.NewReader(server).ReadString('\n'); line != "hello\n" || err != nil {
		t.Fatalf("came %q, %v", line, err)
	}
}

// A site that is not there takes nothing, and a narrow cable is as slow as it says.
func TestNamespacesAreNarrow(t *testing.T) {
	t.Parallel()
	n, err := newNamespaces()
	if err != nil {
		t.Skipf("NOT RUN: %v", err)
	}
	t.Cleanup(n.Close)
	a, errA := n.Add("a")
	b, errB := n.Add("b")
	if err := errors.Join(errA, errB); err != nil {
		t.Fatal(err)
	}
	to, err := inside(b, func() (net.PacketConn, error) { return net.ListenPacket("udp4", b.Listen()) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = to.Close() })
	from, err := inside(a, func() (net.Conn, error) { return net.Dial("udp4", b.Dial()) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = from.Close() })
	b.Cable().In(Fault{BitsPerSecond: 80_000}) // 1028 bytes take 103 ms
	began := time.Now()
	for range 3 {
		if _, err := from.Write(make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		_ = to.SetReadDeadline(time.Now().Add(10 * time.Second))
		if length, _, err := to.ReadFrom(make([]byte, 2000)); err != nil || length != 1000 {
			t.Fatalf("came %d bytes, %v", length, err)
		}
	}
	if took := time.Since(began); took < 300*time.Millisecond {
		t.Errorf("3 packets took %v, want 308 ms or more", took)
	}
}
