package dispatcher_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// What a flood of frames may cost, and for how long.
const (
	mostFloodCPU  = 0.2 // cores, over mostFloodTime
	mostFloodTime = 10 * time.Second
)

// flood is what a client sends again and again. next returns some of it.
type flood struct {
	name     string
	settings []uint32
	next     func() []byte
}

func repeat(frame []byte) func() []byte {
	many := bytes.Repeat(frame, 1+16<<10/len(frame))
	return func() []byte { return many }
}

// streams opens one after the other, with more frames for each.
func streams(path string, flags byte, more func(stream uint32) []byte) func() []byte {
	stream := uint32(1)
	return func() []byte {
		var all []byte
		for range 100 {
			all = append(all, frameOf(frameHeaders, flags|endHeaders, stream, headersOf(path, "application/grpc"))...)
			all = append(all, more(stream)...)
			stream += 2
		}
		return all
	}
}

// afterOpen sends a beginning once.
func afterOpen(begin []byte, next func() []byte) func() []byte {
	return func() []byte {
		all := append(begin, next()...)
		begin = nil
		return all
	}
}

func floods() []flood {
	opened := frameOf(frameHeaders, endHeaders, 1, headersOf(collectPath, "application/grpc"))
	began := frameOf(frameHeaders, 0, 1, headersOf(echoPath, "application/grpc"))
	increment := func(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
	message := []byte{0, 0, 0, 0, 0}
	return []flood{
		{"PING", nil, repeat(frameOf(framePing, 0, 0, make([]byte, 8)))},
		{"PING ack", nil, repeat(frameOf(framePing, ack, 0, make([]byte, 8)))},
		{"SETTINGS", nil, repeat(frameOf(frameSettings, 0, 0, nil))},
		{"SETTINGS long", nil, repeat(frameOf(frameSettings, 0, 0, bytes.Repeat([]byte{0, 4, 0, 1, 0, 0}, 100)))},
		{"empty DATA", nil, afterOpen(opened, repeat(frameOf(frameData, 0, 1, nil)))},
		{"padded DATA", nil, afterOpen(opened, repeat(frameOf(frameData, 8, 1, append([]byte{20}, make([]byte, 20)...))))},
		{"empty CONTINUATION", nil, afterOpen(began, repeat(frameOf(frameContinuation, 0, 1, nil)))},
		{"CONTINUATION", nil, afterOpen(began, repeat(frameOf(frameContinuation, 0, 1, []byte("\x00\x01x\x01y"))))},
		{"PRIORITY", nil, repeat(frameOf(framePriority, 0, 1, []byte{0, 0, 0, 3, 1}))},
		{"WINDOW_UPDATE", nil, repeat(frameOf(frameWindow, 0, 0, increment(1)))},
		{"WINDOW_UPDATE of a stream", nil, afterOpen(opened, repeat(frameOf(frameWindow, 0, 1, increment(1))))},
		{"unknown", nil, repeat(frameOf(0x77, 0, 0, []byte("x")))},
		{"GOAWAY", nil, repeat(frameOf(frameGoAway, 0, 0, make([]byte, 8)))},
		{"rapid reset", nil, streams(echoPath, 0, func(s uint32) []byte { return frameOf(frameReset, 0, s, increment(8)) })},
		{"rapid reset of whole calls", nil, streams(echoPath, 0, func(s uint32) []byte {
			return append(frameOf(frameData, endStream, s, message), frameOf(frameReset, 0, s, increment(8))...)
		})},
		{"MadeYouReset by WINDOW_UPDATE", nil, streams(echoPath, 0, func(s uint32) []byte { return frameOf(frameWindow, 0, s, increment(0)) })},
		{"MadeYouReset by overflow", nil, streams(echoPath, 0, func(s uint32) []byte { return frameOf(frameWindow, 0, s, increment(1<<31-1)) })},
		{"MadeYouReset by DATA", nil, streams(echoPath, endStream, func(s uint32) []byte { return frameOf(frameData, 0, s, message) })},
		{"MadeYouReset by PRIORITY", nil, streams(echoPath, 0, func(s uint32) []byte { return frameOf(framePriority, 0, s, append(increment(s), 1)) })},
		{"too many streams", nil, streams(collectPath, 0, func(uint32) []byte { return nil })},
		{"window 0", []uint32{4, 0}, streams(echoPath, 0, func(s uint32) []byte { return frameOf(frameData, endStream, s, message) })},
		{"window 1", []uint32{4, 1}, streams(echoPath, 0, func(s uint32) []byte { return frameOf(frameData, endStream, s, message) })},
		{"HPACK bomb", nil, bomb()},
	}
}

// bomb puts 4 KB into the table of headers, and names it again and again.
func bomb() func() []byte {
	value := bytes.Repeat([]byte("v"), 3900)
	block := headersOf(echoPath, "application/grpc")
	block = append(append(block, 0x40, 1, 'x', 127), 0xbd, 0x1d) // 3900 = 127 + 0x3d + 0x1d<<7
	block = append(block, value...)
	block = append(block, bytes.Repeat([]byte{0x80 | 62}, 8000)...)
	stream := uint32(1)
	return func() []byte {
		f := frameOf(frameHeaders, endHeaders|endStream, stream, block)
		stream += 2
		return f
	}
}

// Whatever frames a client floods a collector with, that costs little and soon ends.
func TestFloods(t *testing.T) {
	a := serve(t, "a", []string{"test"})
	a.hostEcho(t, "test")
	var cpu, longest float64
	for _, f := range floods() {
		used, took := f.at(t, a.Address)
		t.Logf("%-32s %.3f core-seconds with its client, ended after %.2f s", f.name, used, took.Seconds())
		cpu, longest = max(cpu, used), max(longest, took.Seconds())
	}
	t.Logf("ATTACK h2_flood_cpu %.3f cores, ended after %.2f s", cpu/mostFloodTime.Seconds(), longest)
}

func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	must(t, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// at floods a collector until it closes the connection, and returns what CPU that took and how long.
func (f flood) at(t *testing.T, address string) (cores float64, took time.Duration) {
	t.Helper()
	conn := newFrames(t, address, nil, f.settings...)
	begin, before := time.Now(), cpuTime(t)
	must(t, conn.SetDeadline(begin.Add(mostFloodTime)))
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(io.Discard, conn)
	}()
	for {
		if _, err := conn.Write(f.next()); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begin) > mostFloodTime {
				t.Errorf("%s: the connection is open after %v", f.name, mostFloodTime)
			}
			break
		}
	}
	took = time.Since(begin)
	used := cpuTime(t) - before
	_ = conn.Close()
	<-done
	if cores = used.Seconds(); cores/mostFloodTime.Seconds() > mostFloodCPU {
		t.Errorf("%s: took %.2f core-seconds", f.name, cores)
	}
	return cores, took
}

var _ net.Conn
