package link_test

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/proto"

	"connectrpc.com/connect/v2"

	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
)

// TestWireByHand speaks to a link with nothing but the frame table of the package documentation.
func TestWireByHand(t *testing.T) {
	t.Parallel()
	_, p := newRawPeer(t, config("b", echo{}))
	message, err := proto.Marshal(&testingv1.EchoRequest{Text: "by hand"})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := proto.Marshal(&testingv1.EchoResponse{Text: "by hand", Padding: []byte{}})
	if err != nil {
		t.Fatal(err)
	}

	t.Run("a unary call is one frame each way", func(t *testing.T) {
		p.send(openEcho(1, hasMsg|halfClose, 1_000_001, message))
		end := p.expect(typeEnd)
		if want := (frame{typeEnd, hasMsg, 1, answer}); !bytes.Equal(end.bytes(), want.bytes()) {
			t.Errorf("END = %v, want %v", end, want)
		}
	})
	t.Run("name by number, metadata both ways", func(t *testing.T) {
		metadata := fields("X-Mirror", 2, "one", "two")
		p.send(frame{typeOpen, hasMsg | hasMeta | halfClose, 3, fields(1, 0, len(metadata), metadata, message)})
		end := p.expect(typeEnd)
		header, trailer := fields("X-Header", 2, "one", "two"), fields("X-Trailer", 2, "one", "two")
		want := frame{typeEnd, hasMsg | hasMeta, 3, fields(len(header), header, len(trailer), trailer, answer)}
		if !bytes.Equal(end.bytes(), want.bytes()) {
			t.Errorf("END = %q, want %q", end.payload, want.payload)
		}
	})
	t.Run("message in parts behind the OPEN", func(t *testing.T) {
		p.send(
			frame{typeOpen, 0, 5, fields(1, 0)},
			frame{typeMessage, hasMsg | more | first, 5, fields(len(message), message[:3])},
			frame{typeMessage, hasMsg | halfClose, 5, message[3:]},
		)
		if end := p.expect(typeEnd); end.call != 5 || !bytes.Equal(end.payload, answer) {
			t.Errorf("END = %v", end)
		}
	})
	t.Run("error", func(t *testing.T) {
		p.send(frame{typeOpen, halfClose | hasMsg, 7, fields(0, 2, "test", "/no.Such/Method", "proto", []byte{0, 0, 0}, 0, message)})
		want := fields(int(connect.CodeUnimplemented), `procedure "/no.Such/Method" not registered`, 0)
		if end := p.expect(typeEnd); end.flags != failed || !bytes.Equal(end.payload, want) {
			t.Errorf("END = %v %q", end, end.payload)
		}
	})
	t.Run("unknown frame types are skipped, late frames too", func(t *testing.T) {
		p.send(frame{99, 0xff, 12345, []byte("later version")},
			frame{typeCancel, 0, 7, nil}, frame{typeWindow, 0, 7, fields(1)}, frame{typeMessage, hasMsg, 7, nil},
			frame{typePing, 0, 0, []byte("12345678")})
		if pong := p.expect(typePong); string(pong.payload) != "12345678" {
			t.Errorf("PONG = %v", pong)
		}
	})
}
