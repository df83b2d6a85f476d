package link_test

import (
	"net"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
)

// TestUploadOnSlowSocket uploads over a socket that the kernel lets send 50 Mbit/s, with 100 small calls a second beside
// it: what waits in the kernel holds them up, too. On loopback it does so in packets of 64 KiB; over a wire of 20 Mbit/s
// with Ethernet's the p99 is 0.12 s, and was 0.5 s when the kernel took what it liked.
func TestUploadOnSlowSocket(t *testing.T) { //nolint:paralleltest // measures
	if raceEnabled || testing.Short() {
		t.Skip("measures what the detector makes slower")
	}
	dialled, accepted := tcpPair(t)
	pace(t, dialled, 50*megabit)
	p := connected(t, dialled, accepted, config("a", echo{}), config("b", sink{}))
	var uploading sync.WaitGroup
	defer uploading.Wait()
	stream, err := p.client().Converse(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	uploading.Go(func() {
		for err == nil {
			err = stream.Send(&testingv1.ConverseRequest{Text: textOf(64 << 10)})
		}
	})
	beside := tail(smallCalls(t, p, func() { <-time.After(3 * time.Second) }))
	_ = stream.Close()
	t.Logf("p99 of small calls %v", beside)
	if beside > 250*time.Millisecond {
		t.Errorf("p99 of small calls is %v", beside)
	}
}

// pace has the kernel send so many bytes a second.
func pace(t *testing.T, conn net.Conn, rate int) {
	t.Helper()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if controlErr := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_MAX_PACING_RATE, rate)
	}); controlErr != nil || err != nil {
		t.Fatal(controlErr, err)
	}
}
