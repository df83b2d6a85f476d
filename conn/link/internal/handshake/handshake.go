package handshake

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/collectiverpc/collective/conn/link/internal/frame"
)

// Timeout bounds the greeting, both frames of both ends.
const Timeout = 2 * time.Second

// End is what this end brings.
type End struct {
	// Hello has all but the nonce and the key, which are added.
	Hello     frame.Hello
	Initiator bool
	Key       ed25519.PrivateKey
	// Secrets are the mesh secrets. If there are any, the other end must know one.
	Secrets []Secret
	// Binding is that of the carrier; nil if it has none.
	Binding []byte
	// Accept judges an end that has proven itself. Its error is a *Refusal, or is told as one without a reason.
	Accept func(peer frame.Hello) error
}

// Greet exchanges HELLOs and PROOFs within two seconds or the context, whichever is shorter. On an error the stream is
// closed. Frames that come right behind the PROOF stay in the reader.
func Greet(ctx context.Context, stream io.ReadWriteCloser, frames *frame.Reader, own End) (frame.Hello, error) {
	if len(own.Hello.CollectorID) > frame.MaxID || len(own.Hello.SessionID) > frame.MaxID {
		stream.Close()
		return frame.Hello{}, fmt.Errorf("link: collector id and session id are longer than %d bytes", frame.MaxID)
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { stream.Close() })
	defer stop()
	x := newExchange(stream, frames, own)
	err := x.run()
	if err == nil && !stop() {
		err = ctx.Err()
	}
	if err == nil {
		return x.peer, nil
	}
	x.end(err)
	_, refused := errors.AsType[*Refusal](err)
	switch {
	case refused:
		return frame.Hello{}, err
	case ctx.Err() != nil:
		return frame.Hello{}, fmt.Errorf("link: no %s within %v: %w", x.awaited, Timeout, ctx.Err())
	}
	return frame.Hello{}, fmt.Errorf("link: handshake: %w", err)
}

// exchange is one greeting.
type exchange struct {
	stream  io.ReadWriteCloser
	frames  *frame.Reader
	own     End
	said    []byte     // our HELLO
	sent    chan error // has the end of its write
	heard   []byte     // that of the other end
	peer    frame.Hello
	awaited string // the frame that has not come
}

func newExchange(stream io.ReadWriteCloser, frames *frame.Reader, own End) *exchange {
	x := &exchange{stream: stream, frames: frames, own: own, sent: make(chan error, 1), awaited: "HELLO"}
	h := &x.own.Hello
	_, _ = rand.Read(h.Nonce[:])                                                                   // it never fails
	h.Key, h.Bound = [frame.KeySize]byte(own.Key.Public().(ed25519.PublicKey)), own.Binding != nil //nolint:forcetypeassert // Ed25519 has no other
	x.said = h.Append(nil)
	return x
}

func (x *exchange) run() error {
	go func() { x.sent <- x.write(frame.TypeHello, x.said) }() // both ends speak first; over an unbuffered stream neither could finish alone
	err := x.awaitHello()
	if err != nil && !told(err) {
		x.stream.Close() // or the write might wait for a reader
	}
	if sendErr := <-x.sent; err == nil {
		err = sendErr
	}
	if err != nil {
		return err
	}
	x.awaited = "PROOF"
	if x.own.Initiator {
		if err := x.prove(); err != nil {
			return err
		}
		return x.believe()
	}
	if err := x.believe(); err != nil {
		return err
	}
	return x.prove()
}

func (x *exchange) awaitHello() error {
	h, body, err := x.frames.Greeting()
	if err != nil {
		return err
	}
	if h.Type != frame.TypeHello {
		return frame.Malformed("the first frame is not a HELLO")
	}
	x.heard = bytes.Clone(body)
	if x.peer, err = frame.ReadHello(x.heard); err != nil {
		if v, ok := errors.AsType[frame.VersionError](err); ok {
			return refuse(ReasonVersion, v.Error())
		}
		return err
	}
	return x.compare()
}

// compare refuses what no proof can follow of.
func (x *exchange) compare() error {
	switch {
	case x.peer.Nonce == x.own.Hello.Nonce:
		return refuse(ReasonReflected, "the HELLO of this end came back: the stream leads to where it came from")
	case x.peer.Bound != x.own.Hello.Bound:
		return refuse(ReasonBinding,
			"one end is on TLS and the other is not: something in between ends it. Let it pass the connection through, or let both ends do without the binding")
	}
	return nil
}

// statement is what one of the ends proves.
func (x *exchange) statement(initiator bool) []byte {
	first, second := x.said, x.heard
	if !x.own.Initiator {
		first, second = second, first
	}
	return statement(initiator, transcript(first, second, x.own.Binding))
}

func (x *exchange) prove() error {
	proof := prove(x.own.Key, x.own.Secrets, x.statement(x.own.Initiator))
	return x.write(frame.TypeProof, proof.Append(nil))
}

// believe reads the PROOF of the other end and judges it.
func (x *exchange) believe() error {
	h, body, err := x.frames.Greeting()
	switch {
	case err != nil:
		return err
	case h.Type == frame.TypeRefused:
		return ReadRefusal(body)
	case h.Type != frame.TypeProof:
		return frame.Malformed(fmt.Sprintf("a frame of type %d before the PROOF", h.Type))
	}
	proof, err := frame.ReadProof(body)
	if err != nil {
		return err
	}
	if err := x.verify(&proof); err != nil {
		return err
	}
	return x.own.Accept(x.peer)
}

// verify is the proof itself.
func (x *exchange) verify(proof *frame.Proof) error {
	said := x.statement(!x.own.Initiator)
	switch {
	case !ed25519.Verify(x.peer.Key[:], said, proof.Signature[:]):
		return refuse(ReasonProof,
			"the signature is not of this connection by the key in the HELLO: the other end does not have that key, or somebody in between has changed or passed on what was said")
	case len(x.own.Secrets) == 0 || knows(x.own.Secrets, proof, said):
		return nil
	case len(proof.MACs) == 0:
		return refuse(ReasonSecret, "this mesh has a secret, and the other end shows none: give every collector the same")
	}
	return refuse(ReasonSecret, "the mesh secrets of the two ends differ: give every collector the same")
}

func (x *exchange) write(typ frame.Type, body []byte) error {
	_, err := x.stream.Write(frame.End(append(frame.Begin(nil, typ, 0, 0), body...), 0))
	return err
}

// farewell bounds what is still read from an end that was refused.
const farewell = 64 << 10

// end closes the stream. A refusal of this end is told before: what has arrived unread would destroy it on the way, so the
// other end is waited for to hang up, within the timeout.
func (x *exchange) end(err error) {
	defer x.stream.Close()
	r, ok := errors.AsType[*Refusal](err)
	if ok && !r.Remote && x.write(frame.TypeRefused, frame.Refused{Reason: r.Reason, Text: r.Text}.Append(nil)) == nil {
		_, _ = io.CopyN(io.Discard, x.stream, farewell)
	}
}

// told reports whether the other end will be told of the error.
func told(err error) bool {
	_, ok := errors.AsType[*Refusal](err)
	return ok
}
