package link_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
)

// heldByLinks is the most that a hostile peer may make this process hold, on default limits: MaxHeld, and a quarter of it for
// what is on its way out and for the garbage that pools keep.
const heldByLinks = 80 << 20

// inUse is the memory of the process that the garbage collector cannot give back: heap and stacks.
func inUse() int64 {
	runtime.GC()
	runtime.GC() // pools keep what they have for one more cycle
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapInuse + stats.StackInuse)
}

// receiveAll takes all messages of a call and answers none; metadata and messages are as large as the caller likes.
func receiveAll(_ context.Context, _ string, _ *connect.CallInfo, stream connect.ServerStream) error {
	for {
		if err := stream.Receive(&link.Raw{}); err != nil {
			return nil //nolint:nilerr // the caller is a bad one
		}
	}
}

// TestHeld has a linked peer open as many calls as it may, and send as much as it may on each that never becomes whole: what
// the process holds has a bound all the same, whatever it is that is held, and the link goes on or says why it does not. Without
// COLLECTIVE_SLOW=1 the peer sends about an eighth of that, which is still more than the bound.
func TestHeld(t *testing.T) { //nolint:paralleltest // looks at the heap
	if raceEnabled {
		t.Skip("the detector has memory of its own")
	}
	calls, catalogs, looks := 800, 8, 20_000
	if os.Getenv("COLLECTIVE_SLOW") != "" {
		calls, catalogs, looks = 4096, 100, 8192
	}
	part := make([]byte, 16<<10)
	unique := func(n int) []byte {
		var b []byte
		for i := range n {
			b = append(b, fields(string([]byte{byte('a' + i%26), byte('a' + i/26%26), byte('a' + i/676)}), 1, "")...)
		}
		return b
	}(1000)
	for name, attack := range map[string]func(send func(...frame)){
		"partial messages, received": func(send func(...frame)) {
			for n := range uint64(calls) {
				send(openConverseKeeping(2*n + 1))
			}
			for n := range uint64(calls) {
				send(frame{typeMessage, hasMsg | more | first, 2*n + 1, fields(4<<20, part[:15<<10])})
				for range 15 {
					send(frame{typeMessage, hasMsg | more, 2*n + 1, part[:15<<10]})
				}
			}
		},
		"metadata of many names": func(send func(...frame)) {
			for n := range uint64(calls) {
				f := openConverseKeeping(2*n + 1)
				f.flags |= hasMeta
				f.payload = append(f.payload, fields(len(unique), unique)...)
				send(f)
			}
		},
		"metadata of 60 KiB": func(send func(...frame)) {
			large := fields("X-Large", 1, strings.Repeat("x", 60<<10))
			for n := range uint64(calls) {
				f := openConverseKeeping(2*n + 1)
				f.flags |= hasMeta
				f.payload = append(f.payload, fields(len(large), large)...)
				send(f)
			}
		},
		"small messages that nobody pops": func(send func(...frame)) {
			for n := range uint64(calls) {
				f := openConverseKeeping(2*n + 1)
				send(f)
				for range 200 {
					send(frame{typeMessage, hasMsg, 2*n + 1, part[:60]})
				}
				send(frame{typeMessage, halfClose, 2*n + 1, nil})
			}
		},
		"names with callers": func(send func(...frame)) {
			for n := range 1000 {
				name := fields(0, n+1, textOf(10), "/p/m", "proto", []byte{3, 0}, textOf(4000), 0)
				send(frame{typeOpen, 0, uint64(2*n + 1), name})
			}
		},
		"catalogs that never end": func(send func(...frame)) {
			for range catalogs {
				send(frame{typeCatalog, hasMsg | more | first, 0, fields(1, 16<<20, part)})
				for range 900 {
					send(frame{typeCatalog, hasMsg | more, 0, part})
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := inUse()
			cfg := config("b", echo{})
			cfg.Handler = receiveAll
			if strings.HasPrefix(name, "small") {
				cfg.Handler = func(ctx context.Context, _ string, _ *connect.CallInfo, stream connect.ServerStream) error {
					_ = stream.Receive(&link.Raw{})
					<-ctx.Done()
					return ctx.Err()
				}
			}
			cfg.OnCatalog = func(*link.Link, uint64, []byte) {}
			near, far := tcpPair(t)
			l, p := attacked(t, near, far, cfg)
			go func() { _, _ = io.Copy(io.Discard, p.in) }()
			most := int64(0)
			sent := 0
			attack(func(frames ...frame) {
				p.send(frames...)
				if sent++; sent%looks == 0 {
					most = max(most, inUse()-before)
				}
			})
			p.send(frame{typePing, 0, 0, make([]byte, 8)})
			settle(l)
			most = max(most, inUse()-before)
			t.Logf("%s: %.1f MiB held, %d calls, link: %v", name, float64(most)/(1<<20), l.InFlight(), l.Err())
			if most > heldByLinks {
				t.Errorf("%d bytes are held, want at most %d", most, heldByLinks)
			}
		})
	}
}

// openConverseKeeping opens a bidi call by a name that is sent each time.
func openConverseKeeping(call uint64) frame {
	return frame{typeOpen, 0, call, append(fields(0, 0, "test", "/p/m", "proto", []byte{3, 0, 0}), fields(0)...)}
}

// attacked is a link on default limits with a peer by hand over TCP.
func attacked(t *testing.T, near, far net.Conn, cfg link.Config) (*link.Link, *rawPeer) {
	t.Helper()
	accepted := make(chan greeting, 1)
	go func() {
		l, err := link.Server(t.Context(), far, cfg)
		accepted <- greeting{l, err}
	}()
	p := rawOver(t, near)
	if err := p.greetAsInitiator(); err != nil {
		t.Fatal(err)
	}
	g := <-accepted
	if g.err != nil {
		t.Fatal(g.err)
	}
	t.Cleanup(func() {
		near.Close()
		g.link.Close("test over")
		eventually(t, "handlers after the end", func() bool { return g.link.InFlight() == 0 })
	})
	return g.link, p
}

// settle waits until a link has read all that was sent: as long as the number of its calls changes, it has not.
func settle(l *link.Link) {
	deadline := time.NewTimer(2 * time.Second)
	defer deadline.Stop()
	select {
	case <-l.Done():
	case <-deadline.C:
	}
}

// TestUnagreed wants a stranger to have one call, and 64 KiB, until the link is agreed.
func TestUnagreed(t *testing.T) {
	t.Parallel()
	cfg := config("b", echo{})
	cfg.Handler = receiveAll
	cfg.Unagreed = true
	l, p := newRawPeer(t, cfg)
	p.send(openConverse(1), frame{typeOpen, 0, 3, fields(1, 0)})
	if f := p.expect(typeEnd); f.call != 3 || f.payload[0] != byte(connect.CodeResourceExhausted) {
		t.Errorf("the second call: %v", f)
	}
	part := make([]byte, 16<<10)
	p.send(frame{typeMessage, hasMsg | more | first, 1, fields(1<<20, part[:15<<10])},
		frame{typeMessage, hasMsg | more, 1, part}, frame{typeMessage, hasMsg | more, 1, part})
	if f := p.expect(typeEnd); f.call != 1 || f.payload[0] != byte(connect.CodeResourceExhausted) {
		t.Errorf("a message of 1 MiB: %v", f)
	}
	l.Agree()
	eventually(t, "call 1 runs", func() bool { return l.InFlight() == 0 })
	p.send(frame{typeOpen, 0, 5, fields(1, 0)}, frame{typeOpen, 0, 7, fields(1, 0)}, frame{typeMessage, hasMsg | halfClose, 5, part})
	for range 2 {
		if f := p.expect(typeEnd); f.flags&failed != 0 {
			t.Errorf("after the agreement: %v", f)
		}
		p.send(frame{typeMessage, halfClose, 7, nil})
	}
}

// TestUnagreedEnds wants the link with a stranger to end by what cannot be refused: a frame larger than it reads, before its bytes
// are there, and names and catalogs of more than 64 KiB. All of it is well with one that has agreed.
func TestUnagreedEnds(t *testing.T) {
	t.Parallel()
	part := make([]byte, 16<<10)
	for name, attack := range map[string]func(p *rawPeer){
		"a large frame": func(p *rawPeer) {
			large := fields("X-Large", 1, strings.Repeat("x", 40<<10))
			p.send(frame{typeOpen, hasMeta | halfClose, 1, append(fields(0, 0, "test", "/p/m", "proto", []byte{3, 0, 0}, 0), fields(len(large), large)...)})
		},
		"names": func(p *rawPeer) {
			for n := range 40 {
				p.send(frame{typeOpen, halfClose, uint64(2*n + 1), fields(0, n+1, textOf(10), "/p/m", "proto", []byte{3, 0}, textOf(1000), 0)})
			}
		},
		"a catalog": func(p *rawPeer) {
			p.send(frame{typeCatalog, hasMsg | more | first, 0, fields(1, 1<<20, part)})
			for range 62 {
				p.send(frame{typeCatalog, hasMsg | more, 0, part})
			}
		},
	} {
		for _, agreed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, agreed: %v", name, agreed), func(t *testing.T) {
				t.Parallel()
				cfg := config("b", echo{})
				cfg.Handler, cfg.Unagreed = receiveAll, true
				cfg.OnCatalog = func(*link.Link, uint64, []byte) {}
				near, far := tcpPair(t)
				l, p := attacked(t, near, far, cfg)
				if agreed {
					l.Agree()
				}
				attackEnds := make(chan struct{})
				go func() { // who is cut off cannot send
					defer close(attackEnds)
					_, _ = io.Copy(io.Discard, p.in)
				}()
				attack(&rawPeer{t: t, conn: careless{near}})
				if agreed {
					eventually(t, "it has read all", func() bool { return l.InFlight() == 0 })
					if err := l.Err(); err != nil {
						t.Errorf("the link has ended: %v", err)
					}
					return
				}
				<-attackEnds
				<-l.Done()
			})
		}
	}
}

// careless writes as if nobody could fail.
type careless struct{ net.Conn }

func (c careless) Write(b []byte) (int, error) {
	_, _ = c.Conn.Write(b)
	return len(b), nil
}

// TestLargeAtOnce has more large messages on the way than the link may hold: they have to take turns, and none may fail.
func TestLargeAtOnce(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	text := textOf(2 << 20)
	errs := make(chan error)
	const at = 64 // of 2 MiB each, twice what a link may hold
	for range at {
		go func() {
			res, err := p.client().Echo(t.Context(), &testingv1.EchoRequest{Text: text})
			if err == nil && len(res.GetText()) != len(text) {
				err = io.ErrShortWrite
			}
			errs <- err
		}()
	}
	for range at {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}
