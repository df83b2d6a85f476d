package dispatcher_test

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// Kinds and flags of frames of HTTP/2.
const (
	frameData, frameHeaders, framePriority, frameReset, frameSettings, framePing, frameGoAway, frameWindow, frameContinuation = 0, 1, 2, 3, 4, 6, 7, 8, 9

	endStream, ack, endHeaders = 1, 1, 4
)

// frames is a client that writes HTTP/2 by hand, so that it may do what no client does.
type frames struct {
	net.Conn
}

// newFrames connects, and says hello with settings, pairs of which are an id and a value.
func newFrames(t *testing.T, address string, secure *tls.Config, settings ...uint32) *frames {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	must(t, err)
	if secure != nil {
		secure = secure.Clone()
		secure.NextProtos = []string{"h2"}
		over := tls.Client(conn, secure)
		must(t, over.Handshake())
		conn = over
	}
	t.Cleanup(func() { _ = conn.Close() })
	f := &frames{conn}
	var payload []byte
	for i := 0; i < len(settings); i += 2 {
		payload = binary.BigEndian.AppendUint16(payload, uint16(settings[i]))
		payload = binary.BigEndian.AppendUint32(payload, settings[i+1])
	}
	_, err = io.WriteString(f, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"+string(frameOf(frameSettings, 0, 0, payload)))
	must(t, err)
	return f
}

// frameOf is a frame.
func frameOf(kind, flags byte, stream uint32, payload []byte) []byte {
	n := len(payload)
	f := []byte{byte(n >> 16), byte(n >> 8), byte(n), kind, flags}
	return append(binary.BigEndian.AppendUint32(f, stream), payload...)
}

// headersOf is the block of headers of a POST, in literals.
func headersOf(path, contentType string, more ...string) []byte {
	var block []byte
	fields := append([]string{":method", "POST", ":scheme", "http", ":authority", "a", ":path", path, "content-type", contentType}, more...)
	for _, text := range fields {
		if len(block) == 0 || fieldEnds(block) {
			block = append(block, 0)
		}
		block = append(append(block, byte(len(text))), text...)
	}
	return block
}

// fieldEnds reports whether a block of literals ends with a whole field.
func fieldEnds(block []byte) bool {
	for len(block) > 0 {
		block = block[1:]
		for range 2 {
			if len(block) == 0 {
				return false
			}
			block = block[1+int(block[0]):]
		}
	}
	return true
}

// open begins a stream.
func (f *frames) open(t *testing.T, stream uint32, flags byte, path, contentType string, more ...string) {
	t.Helper()
	_, err := f.Write(frameOf(frameHeaders, flags|endHeaders, stream, headersOf(path, contentType, more...)))
	must(t, err)
}

// closes waits until the other end has closed the connection, and answers its pings meanwhile, if it lives. It returns how
// long that took, and the kinds of the frames that came.
func (f *frames) closes(t *testing.T, most time.Duration, lives bool) (after time.Duration, seen map[byte]int) {
	t.Helper()
	begin, seen := time.Now(), make(map[byte]int)
	must(t, f.SetReadDeadline(begin.Add(most)))
	head := make([]byte, 9)
	for {
		if _, err := io.ReadFull(f, head); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("the connection is open after %v; frames %v", most, seen)
			}
			return time.Since(begin), seen
		}
		seen[head[3]]++
		payload := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
		if _, err := io.ReadFull(f, payload); err != nil {
			return time.Since(begin), seen
		}
		if lives && head[3] == framePing && head[4]&ack == 0 {
			_, _ = f.Write(frameOf(framePing, ack, 0, payload))
		}
		if lives && head[3] == frameSettings && head[4]&ack == 0 {
			_, _ = f.Write(frameOf(frameSettings, ack, 0, nil))
		}
	}
}
