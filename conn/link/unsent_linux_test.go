package link_test

import (
	"net"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/collectiverpc/collective/conn/link/internal/socket"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
)

// TestUploadOnSlowSocket uploads over a socket that the kernel lets send 50 Mbit/s, and looks a hundred times a second how much
// waits in the kernel, since what waits there holds up small calls: over a wire of 20 Mbit/s their p99 was 0.5 s when the
// kernel took what it liked, see [TestUploadOnSlowWire] for what it is. The bound is that of the link and two packets of
// loopback, and holds however busy the machine is.
func TestUploadOnSlowSocket(t *testing.T) {
	t.Parallel()
	const packets = 128 << 10
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
	most := 0
	for range 100 {
		<-time.After(10 * time.Millisecond)
		most = max(most, unsent(t, dialled))
	}
	_ = stream.Close()
	t.Logf("at most %d bytes waited in the kernel", most)
	if most == 0 || most > socket.MaxUnsent+packets {
		t.Errorf("%d bytes waited in the kernel, want at most %d, and some", most, socket.MaxUnsent+packets)
	}
}

// unsent is how many bytes the kernel has taken and not sent.
func unsent(t *testing.T, conn net.Conn) (bytes int) {
	t.Helper()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if controlErr := raw.Control(func(fd uintptr) {
		bytes, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQNSD)
	}); controlErr != nil || err != nil {
		t.Fatal(controlErr, err)
	}
	return bytes
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
