package link

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"

	"github.com/collectiverpc/collective/conn/link/internal/frame"
	"github.com/collectiverpc/collective/conn/link/internal/handshake"
)

// Proof is how this end proves itself to the other, and whom it believes. The zero Proof has a key of its own for this one
// link, and believes everybody who has the key that they show. It prints without its secrets.
type Proof struct {
	// Key signs for this end. Default: an ephemeral one, made for this link.
	Key ed25519.PrivateKey
	// Ephemeral tells the other end that the key ends with this process, so that nobody remembers it. A default key is.
	Ephemeral bool
	// Secrets are those of the mesh, at most 4 and each of at least 32 random bytes: who gets a proof may guess at the secret
	// offline, so a password will not do. This end proves all of them, and the other must know one. During a rotation
	// every collector has the new one and the old one, in any order. Nil: none is wanted.
	Secrets [][]byte
	// Binding ties the proofs to the carrier, see [Binding]. Both ends need the same. Nil: a carrier without TLS.
	Binding []byte
	// Accept judges the other end, which has proven itself, before anything else of it is read; it has what is left of the
	// two seconds. Its error ends the link and is told to the other end, as a [*Refusal] if it is one. Default: everybody.
	Accept func(peer Hello) error
}

// The reasons of refusals by this package. Whoever judges may have others.
const (
	// ReasonVersion: the ends speak different versions of the protocol.
	ReasonVersion = handshake.ReasonVersion
	// ReasonReflected: what this end said came back to it.
	ReasonReflected = handshake.ReasonReflected
	// ReasonBinding: TLS does not reach from one end to the other.
	ReasonBinding = handshake.ReasonBinding
	// ReasonProof: the signature is wrong.
	ReasonProof = handshake.ReasonProof
	// ReasonSecret: the other end does not know the mesh secret.
	ReasonSecret = handshake.ReasonSecret
	// ReasonRefused: Accept returned an error that is no [*Refusal].
	ReasonRefused = "refused"
)

// Refusal is why an end took no link, on both sides; find it with [errors.As]. It is an error of [Client] and [Server], and
// that of [Link.Err] if the initiator refused, since the link of the acceptor is up by then.
type Refusal struct {
	// Reason is a word for programs, at most 64 bytes.
	Reason string
	// Text is a sentence for the operator of either end, at most 1 KiB.
	Text string
	// Remote says that the other end refused. It may not have proven itself: then anybody on the way may have said so.
	Remote bool
	// Cause is what Accept returned; nil if the other end refused, or this package did.
	Cause error
}

func (r *Refusal) Error() string {
	if r.Remote {
		return "link: refused by the other end: " + r.Text
	}
	return "link: refused: " + r.Text
}

// Unwrap returns the cause.
func (r *Refusal) Unwrap() error { return r.Cause }

const (
	bindingLabel = "EXPORTER-collective-link"
	bindingSize  = 32
)

// Binding returns what ties a proof to a TLS connection: a value that its two ends share, and nobody else has. It is nil
// for no TLS. Both ends of a link use it, or neither: behind something that ends TLS neither can.
func Binding(state *tls.ConnectionState) ([]byte, error) {
	if state == nil {
		return nil, nil
	}
	binding, err := state.ExportKeyingMaterial(bindingLabel, nil, bindingSize)
	if err != nil {
		return nil, fmt.Errorf("link: this TLS connection cannot bind a proof, use TLS 1.3: %w", err)
	}
	return binding, nil
}

// end is what this end brings to the greeting.
func (p *Proof) end(hello frame.Hello, initiator bool) (handshake.End, error) {
	end := handshake.End{Hello: hello, Initiator: initiator, Key: p.Key, Binding: p.Binding, Accept: p.judge}
	end.Hello.Ephemeral = p.Ephemeral || p.Key == nil
	var err error
	if p.Key == nil {
		_, end.Key, err = ed25519.GenerateKey(rand.Reader)
	} else if len(p.Key) != ed25519.PrivateKeySize {
		err = fmt.Errorf("link: the key has %d bytes, an Ed25519 private key has %d", len(p.Key), ed25519.PrivateKeySize)
	}
	if err != nil {
		return end, err
	}
	end.Secrets, err = handshake.NewSecrets(p.Secrets)
	return end, err
}

// helloOf is what a proven end said of itself.
func (p *Proof) helloOf(peer frame.Hello) Hello {
	return Hello{
		CollectorID: peer.CollectorID, SessionID: peer.SessionID,
		Key: peer.Key[:], Ephemeral: peer.Ephemeral, Secret: len(p.Secrets) > 0,
	}
}

// judge asks Accept.
func (p *Proof) judge(peer frame.Hello) error {
	if p.Accept == nil {
		return nil
	}
	err := p.Accept(p.helloOf(peer))
	if err == nil {
		return nil
	}
	said := &handshake.Refusal{Reason: ReasonRefused, Text: err.Error(), Cause: err}
	if r, ok := errors.AsType[*Refusal](err); ok {
		said.Reason, said.Text = r.Reason, r.Text
	}
	return said
}

// refusalOf makes a refusal of the greeting one of this package.
func refusalOf(err error) error {
	if r, ok := errors.AsType[*handshake.Refusal](err); ok {
		return (*Refusal)(r)
	}
	return err
}

// String, and with it every way to print a Proof, leaves out what is secret.
func (p Proof) String() string {
	return fmt.Sprintf("link.Proof{%d secrets, bound: %v, ephemeral: %v}", len(p.Secrets), p.Binding != nil, p.Ephemeral)
}

// GoString is String.
func (p Proof) GoString() string { return p.String() }

// LogValue is String.
func (p Proof) LogValue() slog.Value { return slog.StringValue(p.String()) }

// MarshalText is String.
func (p Proof) MarshalText() ([]byte, error) { return []byte(p.String()), nil }
