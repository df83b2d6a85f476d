package link_test

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
)

// malformedKinds make bytes that must end a link, different ones each time, and say what it must tell of them.
var malformedKinds = []struct {
	name, reason string
	make         func(random *rand.Rand) []byte
}{
	{"truncated", "truncated", func(random *rand.Rand) []byte {
		f := openEcho(odd(random), 0, 0)
		f.payload = f.payload[:random.IntN(len(f.payload))]
		return f.bytes()
	}},
	{"of up to 2³²−1 bytes", "exceeds", func(random *rand.Rand) []byte {
		length := uint32(1 << (18 + random.IntN(14)))
		if random.IntN(2) == 0 {
			length = 1<<32 - 1
		}
		b := frame{typeMessage, hasMsg, odd(random), nil}.bytes()
		binary.BigEndian.PutUint32(b, length)
		return b
	}},
	{"of an unknown call", "never opened", func(random *rand.Rand) []byte {
		typ := []byte{typeMessage, typeCancel, typeWindow}[random.IntN(3)]
		return frame{typ, hasMsg, odd(random), fields(1)}.bytes()
	}},
	{"after the end", "message after the end", func(random *rand.Rand) []byte {
		call := odd(random)
		b := openConverse(call).bytes()
		for range random.IntN(5) {
			b = append(b, frame{typeMessage, hasMsg, call, make([]byte, random.IntN(100))}.bytes()...)
		}
		b = append(b, frame{typeMessage, halfClose, call, nil}.bytes()...)
		return append(b, frame{typeMessage, hasMsg, call, nil}.bytes()...)
	}},
	{"beyond the credit", "beyond the credit", func(random *rand.Rand) []byte {
		call, size := odd(random), 4<<10+random.IntN(12<<10)
		message := frame{typeMessage, hasMsg, call, make([]byte, size)}.bytes()
		return slices.Concat(openConverse(call).bytes(), slices.Concat(slices.Repeat([][]byte{message}, window/size+1)...))
	}},
}

// odd is the id of a call that a dialling peer may open.
func odd(random *rand.Rand) uint64 { return 2*random.Uint64N(1<<40) + 1 }

// TestMalformedFrames wants each of 10 000 malformed frames to end its link with a reason that names what is wrong, while
// another link of the process carries a call beside each and none of them fails.
func TestMalformedFrames(t *testing.T) { //nolint:paralleltest // looks at the heap
	links := 10_000
	if testing.Short() || raceEnabled {
		links = 1000
	}
	bystander := newPair(t)
	calls, called := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(called)
		for range calls {
			if _, err := bystander.client().Echo(t.Context(), &testingv1.EchoRequest{}); err != nil {
				t.Errorf("another link suffers: %v", err)
			}
		}
	}()
	before := heapInUse()
	for n := range links {
		calls <- struct{}{} // one runs beside each of them
		kind := malformedKinds[n%len(malformedKinds)]
		l, p := greetedRawPeer(t, config("b", frozen{}))
		_, _ = p.conn.Write(kind.make(rand.New(rand.NewPCG(2, uint64(n)))))
		p.drain()
		<-l.Done()
		if err := l.Err(); err == nil || !strings.HasPrefix(err.Error(), "link: malformed frame: ") || !strings.Contains(err.Error(), kind.reason) {
			t.Fatalf("link %d, a frame %s: Err = %v, want it to tell of %q", n, kind.name, err, kind.reason)
		}
		p.conn.Close()
	}
	close(calls)
	<-called
	if grown := int64(heapInUse()) - int64(before); grown > 8<<20 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
	if n := bystander.a.InFlight(); n != 0 {
		t.Errorf("%d calls in flight", n)
	}
}
