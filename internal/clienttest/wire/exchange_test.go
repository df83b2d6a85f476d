package wire_test

import (
	"bytes"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/collectiverpc/collective/internal/meshtest"
)

// answer is what came back on one stream: blocks of headers and data, in order.
type answer struct {
	blocks []block
	body   []byte
	reset  http2.ErrCode // of the stream before it had ended; 0 when it was not
}

// block is one HEADERS frame, with its CONTINUATIONs.
type block struct {
	fields map[string][]string
	ends   bool // the stream
	late   bool // data came before it
}

func (b block) get(name string) string { return strings.Join(b.fields[name], ",") }

func (b block) has(name string) bool { return len(b.fields[name]) > 0 }

// connection is HTTP/2 without TLS and without a library's help.
type connection struct {
	conn   net.Conn
	framer *http2.Framer
	next   uint32
}

// connectTo opens a connection. It does not wait for the settings of the other end, as clients may not.
func connectTo(t *testing.T, address string) *connection {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(meshtest.Patience))
	if _, err := conn.Write([]byte(http2.ClientPreface)); err != nil {
		t.Fatal(err)
	}
	c := &connection{conn: conn, framer: http2.NewFramer(conn, conn), next: 1}
	c.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	if err := c.framer.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	return c
}

// open sends the headers of a request, given by turns name and value, and returns its stream.
func (c *connection) open(t *testing.T, path string, ends bool, fields ...string) (stream uint32) {
	t.Helper()
	var encoded bytes.Buffer
	encoder := hpack.NewEncoder(&encoded)
	all := append([]string{":method", "POST", ":scheme", "http", ":authority", c.conn.RemoteAddr().String(), ":path", path}, fields...)
	for i := 0; i < len(all); i += 2 {
		if err := encoder.WriteField(hpack.HeaderField{Name: all[i], Value: all[i+1], Sensitive: true}); err != nil {
			t.Fatal(err)
		}
	}
	stream, c.next = c.next, c.next+2
	const frame = 16 << 10
	rest := encoded.Bytes()
	first := rest[:min(len(rest), frame)]
	rest = rest[len(first):]
	err := c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: first, EndStream: ends, EndHeaders: len(rest) == 0})
	for err == nil && len(rest) > 0 {
		part := rest[:min(len(rest), frame)]
		rest = rest[len(part):]
		err = c.framer.WriteContinuation(stream, len(rest) == 0, part)
	}
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

// call sends a whole request and reads its answer.
func (c *connection) call(t *testing.T, path string, body []byte, fields ...string) answer {
	t.Helper()
	stream := c.open(t, path, false, fields...)
	if err := c.framer.WriteData(stream, true, body); err != nil {
		t.Fatal(err)
	}
	return c.read(t, stream)[stream]
}

// read reads until the streams have ended. It fails the test if the connection ends first.
func (c *connection) read(t *testing.T, streams ...uint32) map[uint32]answer {
	t.Helper()
	answers, open := make(map[uint32]answer), make(map[uint32]bool)
	for _, stream := range streams {
		open[stream] = true
	}
	for len(open) > 0 {
		frame, err := c.framer.ReadFrame()
		if err != nil {
			t.Fatalf("the connection ends with %v; %d streams are open", err, len(open))
		}
		if c.manage(t, frame) {
			continue
		}
		stream := frame.Header().StreamID
		a, ended := answers[stream].with(frame)
		if open[stream] {
			answers[stream] = a
		}
		if ended {
			delete(open, stream)
		}
	}
	return answers
}

// manage takes the frames that are about the connection.
func (c *connection) manage(t *testing.T, frame http2.Frame) bool {
	t.Helper()
	switch f := frame.(type) {
	case *http2.SettingsFrame:
		if !f.IsAck() {
			if err := c.framer.WriteSettingsAck(); err != nil {
				t.Fatal(err)
			}
		}
	case *http2.GoAwayFrame:
		if f.ErrCode == http2.ErrCodeNo { // it is stopping, and still answers what has come
			return true
		}
		t.Fatalf("the collector gives the connection up: %v %s", f.ErrCode, f.DebugData())
	case *http2.PingFrame, *http2.WindowUpdateFrame:
	default:
		return false
	}
	return true
}

// with is the answer after one more frame, and whether the stream has ended by it.
func (a answer) with(frame http2.Frame) (answer, bool) {
	switch f := frame.(type) {
	case *http2.MetaHeadersFrame:
		fields := make(map[string][]string)
		for _, field := range f.Fields {
			fields[field.Name] = append(fields[field.Name], field.Value)
		}
		a.blocks = append(a.blocks, block{fields: fields, ends: f.StreamEnded(), late: len(a.body) > 0})
		return a, f.StreamEnded()
	case *http2.DataFrame:
		a.body = append(a.body, f.Data()...)
		return a, f.StreamEnded()
	case *http2.RSTStreamFrame:
		a.reset = f.ErrCode
		return a, true
	}
	return a, false
}
