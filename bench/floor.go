package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"runtime"
	"sync"
	"sync/atomic"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectinprocess"
	"google.golang.org/protobuf/proto"

	benchv1 "github.com/collectiverpc/collective/bench/gen/bench/v1"
	"github.com/collectiverpc/collective/bench/gen/bench/v1/benchv1connect"
)

// The floors are no contenders but what a call is made of at least. Whoever has callers, messages and a wire pays for the
// first two together; the last is what a stream costs when nothing is done to it.
var (
	inProcess   = contender{"in_process", startInProcess}     // client and handler, no wire, messages copied
	bareFrames  = contender{"bare_frames", startBareFrames}   // the wire, no calls: frames of the size of one, there and back
	typedStream = contender{"typed_stream", startTypedStream} // messages behind their length on a TCP stream of their own
)

func startInProcess(_ context.Context, l load) (*bed, error) {
	server := connect.NewServer()
	benchv1connect.RegisterBenchServiceHandler(server, connectEcho{})
	return &bed{op: connectOperation(connectinprocess.New(server), l)}, nil
}

// startBareFrames has what any wire of many callers has whose reader waits for nobody: a buffer that they share, one
// write for all who are ready, a goroutine on each end that reads and hands over. The far end answers as it reads. There
// is no call: no deadline, no metadata, no credit, no cancellation, no handler that could block.
func startBareFrames(_ context.Context, l load) (*bed, error) {
	dialled, accepted, err := tcpPair(false)
	if err != nil {
		return nil, err
	}
	const overhead = 150 // what metadata, name and deadline of the benchmark's call take on the link
	size := l.size + overhead
	waiting := &waiters{answered: make([]chan struct{}, maxWaiters)}
	near, far := &frameEnd{conn: dialled, size: size}, &frameEnd{conn: accepted, size: size}
	go near.read(waiting.wake)
	go far.read(far.send)
	b := &bed{op: func(context.Context) (yield, error) {
		waiting.await(near.send)
		return yield{calls: 1, bytes: l.size}, nil
	}}
	b.onClose(func() error { return errors.Join(dialled.Close(), accepted.Close()) })
	return b, nil
}

// maxWaiters is more than the callers of any case: a pool may forget the numbers that are in it when memory is collected.
const maxWaiters = 1 << 16

// waiters are the callers that wait for their answer, by number.
type waiters struct {
	pool     sync.Pool // of *uint32
	given    atomic.Uint32
	answered []chan struct{}
}

func (w *waiters) await(send func(caller uint32)) {
	caller, ok := w.pool.Get().(*uint32)
	if !ok {
		number := w.given.Add(1)
		caller = &number
		w.answered[number] = make(chan struct{}, 1)
	}
	send(*caller)
	<-w.answered[*caller]
	w.pool.Put(caller)
}

func (w *waiters) wake(caller uint32) { w.answered[caller] <- struct{}{} }

// frameEnd is one end of such a wire.
type frameEnd struct {
	conn    net.Conn
	size    int
	mu      sync.Mutex
	queued  []byte
	spare   []byte
	writing bool
}

// send adds a frame. Who finds nobody writing lets others add theirs as long as there are any, and then writes for all.
func (e *frameEnd) send(caller uint32) {
	e.mu.Lock()
	start := len(e.queued)
	e.queued = append(e.queued, make([]byte, e.size)...)
	binary.BigEndian.PutUint32(e.queued[start:], caller)
	if e.writing {
		e.mu.Unlock()
		return
	}
	e.writing = true
	e.mu.Unlock()
	for size, before := 1, 0; size > before; {
		runtime.Gosched()
		e.mu.Lock()
		size, before = len(e.queued), size
		e.mu.Unlock()
	}
	for e.mu.Lock(); len(e.queued) > 0; e.mu.Lock() {
		batch := e.queued
		e.queued = e.spare[:0]
		e.mu.Unlock()
		_, _ = e.conn.Write(batch) // a broken wire is noticed by those who wait, in vain
		e.spare = batch
	}
	e.writing = false
	e.mu.Unlock()
}

func (e *frameEnd) read(arrived func(caller uint32)) {
	from := bufio.NewReaderSize(e.conn, 64<<10)
	for frame := make([]byte, e.size); ; {
		if _, err := io.ReadFull(from, frame); err != nil {
			return
		}
		arrived(binary.BigEndian.Uint32(frame))
	}
}

// startTypedStream moves typed messages the plain way: each is marshalled, written, read and unmarshalled. Nobody could
// cancel it, or call anything beside it.
func startTypedStream(_ context.Context, l load) (*bed, error) {
	dialled, accepted, err := tcpPair(false)
	if err != nil {
		return nil, err
	}
	requests := make(chan *benchv1.FeedRequest)
	go func() {
		for request := range requests {
			_ = feed(request, messageWriter(accepted)) // a broken stream is noticed by its reader
		}
	}()
	receive := messageReader(dialled)
	b := &bed{op: func(context.Context) (yield, error) {
		requests <- &benchv1.FeedRequest{Count: uint32(l.stream), Size: uint32(l.size)}
		left := l.stream
		return drain(func() (*benchv1.FeedResponse, error) {
			if left == 0 {
				return nil, io.EOF
			}
			left--
			return receive()
		})
	}}
	b.onClose(func() error { close(requests); return errors.Join(dialled.Close(), accepted.Close()) })
	return b, nil
}

const prefixSize = 4 // of the length before a message

func messageWriter(to io.Writer) func(*benchv1.FeedResponse) error {
	var frame []byte
	return func(m *benchv1.FeedResponse) (err error) {
		frame = binary.BigEndian.AppendUint32(frame[:0], uint32(proto.Size(m)))
		if frame, err = (proto.MarshalOptions{UseCachedSize: true}).MarshalAppend(frame, m); err != nil {
			return err
		}
		_, err = to.Write(frame)
		return err
	}
}

func messageReader(from io.Reader) func() (*benchv1.FeedResponse, error) {
	buffered := bufio.NewReaderSize(from, 128<<10)
	var frame []byte
	return func() (*benchv1.FeedResponse, error) {
		prefix, err := buffered.Peek(prefixSize)
		if err != nil {
			return nil, err
		}
		frame = append(frame[:0], make([]byte, prefixSize+int(binary.BigEndian.Uint32(prefix)))...)
		if _, err := io.ReadFull(buffered, frame); err != nil {
			return nil, err
		}
		m := new(benchv1.FeedResponse)
		return m, proto.Unmarshal(frame[prefixSize:], m)
	}
}
