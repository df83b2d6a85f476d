package memnet_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/collectiverpc/collective/internal/memnet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOrderBothWays(t *testing.T) {
	t.Parallel()
	a, b := memnet.Pipe()
	for _, ends := range [][2]io.ReadWriter{{a, b}, {b, a}} {
		want := bytes.Repeat([]byte("0123456789"), 100_000) // more than is buffered
		go func() { _, _ = ends[0].Write(want) }()
		got := make([]byte, len(want))
		if _, err := io.ReadFull(ends[1], got); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("read something else than was written: %v", err)
		}
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	a, b := memnet.Pipe()
	if _, err := a.Write([]byte("last")); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(b)
	if string(rest) != "last" || err != nil {
		t.Errorf("the other end reads %q, %v; want what was written and EOF", rest, err)
	}
	if _, err := b.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("the other end's Write = %v", err)
	}
	if _, err := a.Read(make([]byte, 1)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("the closed end's Read = %v", err)
	}
}

func TestCloseEndsPendingCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, _ := memnet.Pipe()
		results := make(chan error, 2)
		go func() {
			_, err := a.Read(make([]byte, 1))
			results <- err
		}()
		go func() {
			_, err := a.Write(make([]byte, memnet.BufferSize+1))
			results <- err
		}()
		synctest.Wait()
		if len(results) != 0 {
			t.Fatal("a call did not wait")
		}
		a.Close()
		for range 2 {
			if err := <-results; !errors.Is(err, io.ErrClosedPipe) {
				t.Errorf("pending call = %v", err)
			}
		}
	})
}

func TestDeadlines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, b := memnet.Pipe()
		start := time.Now()
		_ = a.SetDeadline(start.Add(time.Second))
		if _, err := a.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("Read = %v after %v", err, time.Since(start))
		}
		if _, err := a.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Write behind its deadline = %v", err)
		}
		_ = a.SetDeadline(time.Time{})
		if _, err := a.Write([]byte("x")); err != nil {
			t.Errorf("Write after the deadline was taken back = %v", err)
		}
		_ = b.SetWriteDeadline(time.Now().Add(time.Second))
		n, err := b.Write(make([]byte, 2*memnet.BufferSize))
		if n != memnet.BufferSize || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Write into a full buffer = %d, %v", n, err)
		}
	})
}

func TestSilence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, b := memnet.Pipe()
		a.Silence()
		for _, end := range []*memnet.Conn{a, b} {
			if n, err := end.Write(make([]byte, 10*memnet.BufferSize)); n != 10*memnet.BufferSize || err != nil {
				t.Errorf("Write = %d, %v; a cut wire takes everything", n, err)
			}
		}
		a.Close()
		_ = b.SetReadDeadline(time.Now().Add(time.Hour))
		if n, err := b.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Read = %d, %v; nothing may arrive", n, err)
		}
	})
}

func TestThrottle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, b := memnet.Pipe()
		a.Throttle(1000)
		start := time.Now()
		go func() { _, _ = a.Write(make([]byte, 100_000)) }()
		if _, err := io.ReadFull(b, make([]byte, 50_000)); err != nil || time.Since(start).Round(2*time.Second) != 50*time.Second {
			t.Errorf("half of 100 kB took %v, %v", time.Since(start), err)
		}
		if _, err := io.ReadFull(b, make([]byte, 50_000)); err != nil || time.Since(start) != 100*time.Second {
			t.Errorf("100 kB took %v, %v", time.Since(start), err)
		}
	})
}

func TestDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, b := memnet.Pipe()
		a.Delay(time.Second)
		start := time.Now()
		for range 3 {
			if n, err := b.Write(make([]byte, memnet.BufferSize)); n != memnet.BufferSize || err != nil || time.Since(start) > 0 {
				t.Fatalf("Write = %d, %v after %v", n, err, time.Since(start))
			}
		}
		_, _ = b.Write([]byte("last"))
		_ = b.Close()
		data, err := io.ReadAll(a)
		if err != nil || len(data) != 3*memnet.BufferSize+4 || string(data[len(data)-4:]) != "last" || time.Since(start) != time.Second {
			t.Errorf("%d bytes, %v after %v", len(data), err, time.Since(start))
		}
	})
}
