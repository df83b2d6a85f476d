package link_test

import (
	"bufio"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/internal/memnet"
)

// What a frame may be, as the table in the package documentation says.
const (
	typeHello byte = iota + 1
	typeOpen
	typeMessage
	typeHeaders
	typeEnd
	typeCancel
	typeWindow
	typePing
	typePong
	typeCatalog
	typeGoaway
	typeProof
	typeRefused
	typeTaken
)

const (
	more      byte = 0x01
	halfClose byte = 0x02
	hasMsg    byte = 0x04
	hasMeta   byte = 0x08
	failed    byte = 0x10
	first     byte = 0x40
)

// frame is a frame by hand.
type frame struct {
	typ, flags byte
	call       uint64
	payload    []byte
}

func (f frame) bytes() []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(f.payload)))
	b = append(b, f.typ, f.flags)
	b = append(b, binary.BigEndian.AppendUint64(nil, f.call)[2:]...)
	return append(b, f.payload...)
}

// fields builds a payload: numbers as uvarints, strings as texts, []byte as they are.
func fields(values ...any) []byte {
	var b []byte
	for _, v := range values {
		switch v := v.(type) {
		case int:
			b = binary.AppendUvarint(b, uint64(v))
		case uint64:
			b = binary.AppendUvarint(b, v)
		case string:
			b = append(binary.AppendUvarint(b, uint64(len(v))), v...)
		case []byte:
			b = append(b, v...)
		}
	}
	return b
}

// rawPeer is the other end of a link, by hand.
type rawPeer struct {
	t    testing.TB
	conn io.ReadWriteCloser
	in   *bufio.Reader
}

// rawKey is the key of raw peers, and rawHello their HELLO.
var (
	rawKey   = ed25519.NewKeyFromSeed([]byte("a seed of thirty-two bytes: raw."))
	rawHello = frame{typ: typeHello, payload: helloFields("raw", rawKey)}
)

// helloFields is the payload of a HELLO without a binding, of an ephemeral key.
func helloFields(id string, key ed25519.PrivateKey) []byte {
	nonce := make([]byte, 32)
	_, _ = rand.Read(nonce)
	return fields(3, id, "session-"+id, 256<<10, 4<<20, 1, nonce, []byte(key.Public().(ed25519.PublicKey)))
}

// transcriptOf and proofOf are what package handshake says a proof is, once more.
func transcriptOf(initiator, acceptor, binding []byte) []byte {
	b := []byte("collective link 2 transcript\x00")
	for _, piece := range [][]byte{initiator, acceptor, binding} {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(piece))), piece...)
	}
	sum := sha256.Sum256(b)
	return sum[:]
}

func proofOf(role string, transcript []byte, key ed25519.PrivateKey, secrets ...[]byte) frame {
	statement := append([]byte("collective link 2 proof of the "+role+"\x00"), transcript...)
	payload := append(ed25519.Sign(key, statement), byte(len(secrets)))
	for _, s := range secrets {
		derived, _ := hkdf.Key(sha256.New, s, nil, "collective link 2 mesh secret", 32)
		mac := hmac.New(sha256.New, derived)
		mac.Write(statement)
		payload = mac.Sum(payload)
	}
	return frame{typ: typeProof, payload: payload}
}

func rawOver(t testing.TB, conn io.ReadWriteCloser) *rawPeer {
	return &rawPeer{t: t, conn: conn, in: bufio.NewReader(conn)}
}

// greetAsInitiator proves this end, without secret or binding, to a link that accepts.
func (p *rawPeer) greetAsInitiator() error {
	p.send(rawHello)
	hello, err := p.receive()
	if err != nil || hello.typ != typeHello {
		return fmt.Errorf("answer to the HELLO = %v, %w", hello, err)
	}
	p.send(proofOf("initiator", transcriptOf(rawHello.payload, hello.payload, nil), rawKey))
	proof, err := p.receive()
	if err != nil || proof.typ != typeProof {
		return fmt.Errorf("answer to the PROOF = %v, %w", proof, err)
	}
	return nil
}

// greetAsAcceptor proves it to a link that dials.
func (p *rawPeer) greetAsAcceptor() error {
	p.send(rawHello)
	hello, err := p.receive()
	if err != nil || hello.typ != typeHello {
		return fmt.Errorf("HELLO = %v, %w", hello, err)
	}
	if proof, err := p.receive(); err != nil || proof.typ != typeProof {
		return fmt.Errorf("PROOF = %v, %w", proof, err)
	}
	p.send(proofOf("acceptor", transcriptOf(hello.payload, rawHello.payload, nil), rawKey))
	return nil
}

// openEcho opens a call of Echo as the name ref says; its definition gets number 1.
func openEcho(call uint64, flags byte, rest ...any) frame {
	name := fields(0, 1, "test", "/collector.testing.v1.EchoService/Echo", "proto", []byte{0, 0, 0})
	return frame{typeOpen, flags, call, append(name, fields(rest...)...)}
}

// openConverse opens a bidi call without a deadline.
func openConverse(call uint64) frame {
	name := fields(0, 1, "test", "/collector.testing.v1.EchoService/Converse", "proto", []byte{3, 0, 0})
	return frame{typeOpen, 0, call, append(name, fields(0)...)}
}

// openUnnumbered opens a unary call whose name gets no number.
func openUnnumbered(call uint64, timeout ...any) frame {
	name := fields(0, 0, "test", "/p.S/M", "proto", []byte{0, 0, 0})
	if timeout == nil {
		timeout = []any{0}
	}
	return frame{typeOpen, 0, call, append(name, fields(timeout...)...)}
}

// newRawPeer returns a link that accepted and its dialling peer, past the greeting.
func newRawPeer(t testing.TB, cfg link.Config) (*link.Link, *rawPeer) {
	t.Helper()
	l, p := greetedRawPeer(t, cfg)
	t.Cleanup(func() {
		p.conn.Close()
		l.Close("test over")
	})
	return l, p
}

// greetedRawPeer is newRawPeer for tests that close the link themselves.
func greetedRawPeer(t testing.TB, cfg link.Config) (*link.Link, *rawPeer) {
	t.Helper()
	near, far := memnet.Pipe()
	accepted := make(chan error, 1)
	var l *link.Link
	go func() {
		var err error
		l, err = link.Server(t.Context(), far, cfg)
		accepted <- err
	}()
	p := &rawPeer{t: t, conn: near, in: bufio.NewReader(near)}
	if err := p.greetAsInitiator(); err != nil {
		t.Fatal(err)
	}
	if err := <-accepted; err != nil {
		t.Fatal(err)
	}
	return l, p
}

// send writes frames in one piece. A link that hangs up meanwhile is the test's to notice.
func (p *rawPeer) send(frames ...frame) {
	var b []byte
	for _, f := range frames {
		b = append(b, f.bytes()...)
	}
	_, _ = p.conn.Write(b)
}

func (p *rawPeer) receive() (frame, error) {
	var head [12]byte
	if _, err := io.ReadFull(p.in, head[:]); err != nil {
		return frame{}, err
	}
	f := frame{typ: head[4], flags: head[5], call: binary.BigEndian.Uint64(head[4:]) & (1<<48 - 1)}
	f.payload = make([]byte, binary.BigEndian.Uint32(head[:]))
	_, err := io.ReadFull(p.in, f.payload)
	return f, err
}

// expect reads until a frame of the type comes.
func (p *rawPeer) expect(typ byte) frame {
	p.t.Helper()
	for {
		f, err := p.receive()
		if err != nil {
			p.t.Fatalf("waiting for frame type %d: %v", typ, err)
		}
		if f.typ == typ {
			return f
		}
	}
}

// drain reads until the link hangs up.
func (p *rawPeer) drain() {
	for {
		if _, err := p.receive(); err != nil {
			if !errors.Is(err, io.EOF) {
				p.t.Errorf("reading to the end: %v", err)
			}
			return
		}
	}
}
