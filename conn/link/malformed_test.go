package link_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
)

// violations are frames, sent by a dialling peer after its HELLO, that break the protocol, each with what the link has
// to say about it.
var violations = []struct {
	name   string
	frames []frame
	reason string
}{
	{"HELLO twice", []frame{rawHello}, "a second HELLO"},
	{"OPEN of nothing", []frame{{typeOpen, 0, 1, nil}}, "truncated number"},
	{"OPEN of an undefined name", []frame{{typeOpen, 0, 1, fields(7, 0)}}, "undefined name"},
	{"OPEN with a name out of order", []frame{{typeOpen, 0, 1, fields(0, 9, "n", "/p/m", "proto", []byte{0, 0, 0}, 0)}}, "name out of order"},
	{"OPEN with a name of 2 KiB", []frame{{typeOpen, 0, 1, fields(0, 1, "n", textOf(2<<10), "proto", []byte{0, 0, 0}, 0)}}, "exceeds 1024"},
	{"OPEN with an unknown stream kind", []frame{{typeOpen, 0, 1, fields(0, 1, "n", "/p/m", "proto", []byte{4, 0, 0}, 0)}}, "bad name"},
	{"OPEN with a truncated name", []frame{{typeOpen, 0, 1, fields(0, 1, "n", "/p/m", "proto", []byte{0})}}, "truncated name"},
	{"OPEN twice", []frame{openEcho(1, 0, 0), {typeOpen, 0, 1, fields(1, 0)}}, "was opened before"},
	{"OPEN of an even id", []frame{openEcho(2, 0, 0)}, "not the other end's to open"},
	{"OPEN of id 0", []frame{openEcho(0, 0, 0)}, "not the other end's to open"},
	{"OPEN with half a message", []frame{openEcho(1, hasMsg|more, 0, 0, "x")}, "part of a message"},
	{"OPEN with a message of 17 KiB", []frame{openEcho(1, hasMsg, 0, make([]byte, 17<<10))}, "exceeds 16 KiB"},
	{"metadata cut off", []frame{openEcho(1, hasMeta, 0, 500, []byte("x"))}, "truncated field"},
	{"metadata of 1 MiB", []frame{openEcho(1, hasMeta, 0, 1<<20)}, "exceeds 65536"},
	{"metadata with more values than bytes", []frame{openEcho(1, hasMeta, 0, 12, "a", uint64(math.MaxUint64))}, "metadata: too many values"},
	{"metadata of 2000 empty values", []frame{openEcho(1, hasMeta, 0, 2004, "a", 2000, make([]byte, 2000))}, "metadata: too many values"},
	{"metadata with a truncated value", []frame{openEcho(1, hasMeta, 0, 4, "a", 1, 200)}, "metadata: truncated"},
	{"MESSAGE of a call never opened", []frame{{typeMessage, hasMsg, 1, nil}}, "call 1 was never opened"},
	{"MESSAGE of the link's own call never opened", []frame{{typeMessage, hasMsg, 2, nil}}, "call 2 was never opened"},
	{"MESSAGE of call 0", []frame{{typeMessage, hasMsg, 0, nil}}, "call 0 was never opened"},
	{"MESSAGE after the half-close", []frame{openConverse(1), {typeMessage, halfClose, 1, nil}, {typeMessage, hasMsg, 1, nil}}, "message after the end"},
	{"MESSAGE without anything", []frame{openConverse(1), {typeMessage, 0, 1, nil}}, "without a message"},
	{"MESSAGE of 17 KiB", []frame{openConverse(1), {typeMessage, hasMsg, 1, make([]byte, 17<<10)}}, "exceeds 16 KiB"},
	{"half-close inside a message", []frame{openConverse(1), {typeMessage, hasMsg | more | first, 1, fields(10, []byte("x"))}, {typeMessage, halfClose, 1, nil}}, "end inside a message"},
	{"first part inside a message", []frame{openConverse(1), {typeMessage, hasMsg | more | first, 1, fields(10, []byte("x"))}, {typeMessage, hasMsg | more | first, 1, fields(10, []byte("x"))}}, "out of order"},
	{"later part without the first", []frame{openConverse(1), {typeMessage, hasMsg | more, 1, []byte("x")}}, "out of order"},
	{"message longer than announced", []frame{openConverse(1), {typeMessage, hasMsg | more | first, 1, fields(3, []byte("abc"))}}, "other than announced"},
	{"message shorter than announced", []frame{openConverse(1), {typeMessage, hasMsg | more | first, 1, fields(9, []byte("abc"))}, {typeMessage, hasMsg, 1, []byte("d")}}, "other than announced"},
	{"message beyond the credit", slices.Concat([]frame{openConverse(1)}, slices.Repeat([]frame{{typeMessage, hasMsg, 1, make([]byte, 16<<10)}}, 256<<10/(16<<10)+1)), "beyond the credit"},
	{"empty messages without end", slices.Concat([]frame{openConverse(1)}, slices.Repeat([]frame{{typeMessage, hasMsg, 1, nil}}, 256<<10/16+1)), "beyond the credit"},
	{"HEADERS by a caller", []frame{openConverse(1), {typeHeaders, 0, 1, nil}}, "HEADERS from a caller"},
	{"HEADERS of a call never opened", []frame{{typeHeaders, 0, 2, nil}}, "never opened"},
	{"END by a caller", []frame{openConverse(1), {typeEnd, 0, 1, nil}}, "END from a caller"},
	{"END of a call never opened", []frame{{typeEnd, 0, 2, nil}}, "never opened"},
	{"CANCEL by a server", []frame{{typeCancel, 0, 2, nil}}, "CANCEL of a call by its server"},
	{"CANCEL of a call never opened", []frame{{typeCancel, 0, 1, nil}}, "never opened"},
	{"WINDOW of nothing", []frame{openConverse(1), {typeWindow, 0, 1, nil}}, "truncated number"},
	{"WINDOW of zero for a call never opened", []frame{{typeWindow, 0, 1, fields(0)}}, "never opened"},
	{"WINDOW of 2^63", []frame{openConverse(1), {typeWindow, 0, 1, fields(uint64(1 << 63))}}, "credit out of range"},
	{"WINDOW without end", []frame{openConverse(1), {typeWindow, 0, 1, fields(math.MaxInt32)}, {typeWindow, 0, 1, fields(math.MaxInt32)}}, "credit out of range"},
	{"PING of 7 bytes", []frame{{typePing, 0, 0, make([]byte, 7)}}, "PING of a wrong size"},
	{"CATALOG without the first part", []frame{{typeCatalog, hasMsg, 0, []byte("x")}}, "part of no catalog"},
	{"CATALOG of 1 GiB", []frame{{typeCatalog, hasMsg | first | more, 0, fields(1, 1<<30, []byte("x"))}}, "exceeds 16 MiB"},
	{"CATALOG before the last was taken", []frame{
		{typeCatalog, hasMsg | first, 0, fields(1, 1, []byte("x"))}, {typeCatalog, hasMsg | first | more, 0, fields(2, 100, []byte("x"))},
	}, "before the last one was taken"},
	{"CATALOG of an earlier revision", []frame{
		{typeCatalog, hasMsg | first, 0, fields(2, 1, []byte("x"))}, {typeCatalog, hasMsg | first, 0, fields(2, 1, []byte("x"))},
	}, "before the last one was taken"},
	{"CATALOG within another", []frame{
		{typeCatalog, hasMsg | first | more, 0, fields(1, 9, []byte("x"))}, {typeCatalog, hasMsg | first, 0, fields(2, 1, []byte("x"))},
	}, "within another"},
	{"TAKEN of nothing", []frame{{typeTaken, 0, 0, fields(1)}}, "not announced"},
	{"TAKEN without a revision", []frame{{typeTaken, 0, 0, nil}}, "truncated"},
	{"CATALOG longer than announced", []frame{{typeCatalog, hasMsg | first, 0, fields(1, 2, []byte("abc"))}}, "other than announced"},
	{"GOAWAY of nothing", []frame{{typeGoaway, 0, 0, nil}}, "truncated number"},
}

// TestViolations wants each violation to end the link with a reason that names it, and no other link.
func TestViolations(t *testing.T) {
	t.Parallel()
	bystander := newPair(t)
	for _, v := range violations {
		t.Run(v.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // or a busy machine takes the peer for dead first
				cfg := config("b", frozen{})
				cfg.OnCatalog = func(*link.Link, uint64, []byte) {} // takes none
				l, p := newRawPeer(t, cfg)
				p.send(v.frames...)
				p.drain()
				<-l.Done()
				if err := l.Err(); err == nil || !strings.HasPrefix(err.Error(), "link: malformed frame: ") || !strings.Contains(err.Error(), v.reason) {
					t.Errorf("Err = %v, want it to tell of %q", err, v.reason)
				}
			})
			if _, err := bystander.client().Echo(t.Context(), &testingv1.EchoRequest{}); err != nil {
				t.Errorf("another link suffers: %v", err)
			}
		})
	}
}

// TestTooLongFrame announces more than any frame may have, and nothing behind it: the link must not wait for it.
func TestTooLongFrame(t *testing.T) {
	t.Parallel()
	l, p := newRawPeer(t, config("b", echo{}))
	_, _ = p.conn.Write([]byte{0xff, 0xff, 0xff, 0xff, typeMessage, 0, 0, 0, 0, 0, 0, 1})
	p.drain()
	<-l.Done()
	if err := l.Err(); err == nil || !strings.Contains(err.Error(), "frame of 4294967295 bytes exceeds") {
		t.Errorf("Err = %v", err)
	}
}

// TestCutOffFrame ends the stream inside a frame.
func TestCutOffFrame(t *testing.T) {
	t.Parallel()
	whole := openEcho(1, 0, 0).bytes()
	for n := 1; n < len(whole); n++ {
		l, p := newRawPeer(t, config("b", echo{}))
		if f, err := p.receive(); err != nil || f.typ != typePing { // else writing it might fail first
			t.Fatalf("first frame = %v, %v", f, err)
		}
		_, _ = p.conn.Write(whole[:n])
		p.conn.Close()
		<-l.Done()
		if err := l.Err(); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("Err after %d of %d bytes = %v", n, len(whole), err)
		}
	}
}

// TestFloods provokes answers and reads none of them.
func TestFloods(t *testing.T) {
	t.Parallel()
	cfg := config("b", frozen{})
	cfg.Limits = link.Limits{MaxQueued: 64 << 10, MaxCalls: 10}
	for name, provoke := range map[string]func(n int) frame{
		"PING":                  func(int) frame { return frame{typePing, 0, 0, make([]byte, 8)} },
		"OPEN over the cap":     func(n int) frame { return openUnnumbered(uint64(2*n + 1)) },
		"OPEN that has expired": func(n int) frame { return openUnnumbered(uint64(2*n+1), 1) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // or a busy machine is at the write timeout first
				l, p := newRawPeer(t, cfg)
				for n := 0; l.Err() == nil; n++ {
					p.send(provoke(n))
				}
				<-l.Done()
				if err := l.Err(); !strings.Contains(err.Error(), "asks for more answers than it reads") {
					t.Errorf("Err = %v", err)
				}
			})
		})
	}
}

// TestMangledFrames opens one link after the other and sends each a valid exchange that was mangled at random. Every
// link must end with a reason; another link of the process must not notice, and nothing must be left behind.
func TestMangledFrames(t *testing.T) { //nolint:paralleltest // looks at the heap
	links := 10_000
	if testing.Short() || raceEnabled {
		links = 1000
	}
	bystander := newPair(t)
	before := heapInUse()
	for n := range links {
		random := rand.New(rand.NewPCG(1, uint64(n)))
		l, p := greetedRawPeer(t, config("b", echo{}))
		_, _ = p.conn.Write(mangle(random, validExchange()))
		p.conn.Close()
		<-l.Done()
		if l.Err() == nil {
			t.Fatalf("link %d ended without a reason", n)
		}
		if n%100 > 0 {
			continue
		}
		if _, err := bystander.client().Echo(t.Context(), &testingv1.EchoRequest{}); err != nil {
			t.Fatalf("another link suffers: %v", err)
		}
	}
	if grown := int64(heapInUse()) - int64(before); grown > 8<<20 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
}

func heapInUse() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// validExchange is what a well-behaved peer sends: every type of frame once.
func validExchange() []byte {
	var b []byte
	for _, f := range []frame{
		{typePing, 0, 0, []byte("12345678")},
		openEcho(1, hasMsg|hasMeta|halfClose, 5_000_001, 12, fields("X-Mirror", 1, "v"), fields(10, "text")),
		{typeOpen, 0, 3, fields(0, 2, "test", "/collector.testing.v1.EchoService/Converse", "proto", []byte{3, 0, 0}, 0)},
		{typeMessage, hasMsg | more | first, 3, fields(6, 10, []byte("\x04te"))},
		{typeMessage, hasMsg, 3, []byte("xt")},
		{typeWindow, 0, 3, fields(70_000)},
		{typeCatalog, hasMsg | first, 0, fields(1, 7, []byte("catalog"))},
		{typeTaken, failed, 0, fields(0)},
		{typeMessage, halfClose, 3, nil},
		{typeOpen, 0, 5, fields(1, 0)},
		{typeCancel, 0, 5, nil},
		{typePong, 0, 0, []byte("12345678")},
		{typeGoaway, 0, 0, fields(9, "draining")},
		{99, 0, 0, []byte("later version")},
		{typeHeaders, 0, 2, fields(0)},
		{typeEnd, failed, 4, fields(5, "not found", 0)},
	} {
		b = append(b, f.bytes()...)
	}
	return b
}

// mangle changes a few bytes, cuts, repeats, or inflates a number.
func mangle(random *rand.Rand, b []byte) []byte {
	for range 1 + random.IntN(4) {
		at := random.IntN(len(b))
		switch random.IntN(5) {
		case 0:
			b[at] = byte(random.Uint32())
		case 1:
			b[at] ^= 1 << random.IntN(8)
		case 2:
			b = slices.Concat(b[:at], b[at/2:])
		case 3:
			b = b[:max(at, 1)]
		case 4:
			b = slices.Insert(b, at, bytes.Repeat([]byte{0xff}, 1+random.IntN(10))...)
		}
	}
	return b
}

// badAnswers are frames by which an acceptor breaks the protocol. Call 2 is a Converse of the link's, call 4 an Echo.
var badAnswers = []struct {
	name   string
	frames []frame
	reason string
}{
	{"HEADERS twice", []frame{{typeHeaders, 0, 2, fields(0)}, {typeHeaders, 0, 2, fields(0)}}, "HEADERS twice"},
	{"HEADERS cut off", []frame{{typeHeaders, 0, 2, fields(5)}, {typeEnd, 0, 2, nil}}, "truncated field"},
	{"HEADERS of too many values", []frame{{typeHeaders, 0, 2, fields(4, "a", uint64(1<<60))}, {typeEnd, 0, 2, nil}}, "metadata: t"},
	{"MESSAGE without a message", []frame{{typeMessage, 0, 2, nil}}, "from a server"},
	{"MESSAGE with a half-close", []frame{{typeMessage, hasMsg | halfClose, 2, nil}}, "from a server"},
	{"END inside a message", []frame{{typeMessage, hasMsg | more | first, 2, fields(10, []byte("x"))}, {typeEnd, 0, 2, nil}}, "end inside a message"},
	{"END with an error and a message", []frame{{typeEnd, hasMsg | failed, 4, fields(5, "", 0)}}, "error and a message"},
	{"END with a message inside a message", []frame{{typeMessage, hasMsg | more | first, 4, fields(10, []byte("x"))}, {typeEnd, hasMsg, 4, []byte("y")}}, "other than announced"},
	{"END with metadata cut off before the message", []frame{{typeEnd, hasMsg | hasMeta, 4, fields(0, 9)}}, "truncated field"},
	{"END with an error cut off", []frame{{typeEnd, failed, 4, fields(5)}}, "truncated number"},
	{"END with a million details", []frame{{typeEnd, failed, 4, fields(5, "", 1_000_000)}}, "1000000 error details"},
	{"END with an error text of 1 MiB", []frame{{typeEnd, failed, 4, fields(5, 1<<20)}}, "exceeds 16384"},
	{"END of 16 MiB", []frame{{typeEnd, failed, 4, make([]byte, 16<<20)}}, "exceeds"},
}

// TestBadAnswers wants each to end the link with a reason that names it, and the call to say that it may have run. The peer
// answers no PING, and time stands still while it writes.
func TestBadAnswers(t *testing.T) {
	t.Parallel()
	for _, v := range badAnswers {
		t.Run(v.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { answerBadly(t, v.reason, v.frames...) })
		})
	}
}

func answerBadly(t *testing.T, reason string, frames ...frame) {
	t.Helper()
	l, p := newRawPeer(t, config("b", echo{}))
	client := testingv1connect.NewEchoServiceClient(connect.NewClient(l.Transport("test")))
	converse, err := client.Converse(t.Context())
	if err == nil {
		err = converse.SendHeaders()
	}
	if err != nil {
		t.Fatal(err)
	}
	echoed := make(chan error, 1)
	go func() {
		_, err := client.Echo(t.Context(), &testingv1.EchoRequest{Text: textOf(100)})
		echoed <- err
	}()
	p.expect(typeOpen)
	p.expect(typeOpen)
	p.send(frames...)
	_, err = converse.Receive()
	for _, err := range []error{err, <-echoed} {
		var lost *link.Error
		if connect.CodeOf(err) != connect.CodeUnavailable || !errors.As(err, &lost) || !lost.Sent || !strings.Contains(lost.Reason, reason) {
			t.Errorf("call = %v, want unavailable because of %q, perhaps executed", err, reason)
		}
	}
	if err := l.Err(); err == nil || !strings.Contains(err.Error(), reason) {
		t.Errorf("Err = %v, want it to tell of %q", err, reason)
	}
}
