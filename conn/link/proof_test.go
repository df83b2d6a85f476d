package link_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/internal/memnet"
)

var (
	meshSecret  = []byte("a mesh secret of thirty-two bytes")
	otherSecret = []byte("another one, of thirty-two bytes.")
	strangerKey = ed25519.NewKeyFromSeed([]byte("a seed of thirty-two bytes: bad."))
)

// greeting is what one end got.
type greeting struct {
	link *link.Link
	err  error
}

// greet brings up both ends over a stream each.
func greet(t *testing.T, a, b io.ReadWriteCloser, configA, configB link.Config) (initiator, acceptor greeting) {
	t.Helper()
	accepted := make(chan greeting, 1)
	go func() {
		l, err := link.Server(t.Context(), b, configB)
		accepted <- greeting{l, err}
	}()
	l, err := link.Client(t.Context(), a, configA)
	initiator, acceptor = greeting{l, err}, <-accepted
	t.Cleanup(func() {
		for _, g := range []greeting{initiator, acceptor} {
			if g.link != nil {
				g.link.Close("test over")
			}
		}
	})
	return initiator, acceptor
}

func proving(id string, proof link.Proof) link.Config {
	cfg := config(id, echo{})
	cfg.Proof = proof
	return cfg
}

// wantRefusal wants an error that says who refused, and why in a word and in a sentence.
func wantRefusal(t *testing.T, who string, err error, reason, text string, remote bool) {
	t.Helper()
	var r *link.Refusal
	if !errors.As(err, &r) || r.Reason != reason || !strings.Contains(r.Text, text) || r.Remote != remote {
		t.Errorf("%s: %#v, %v; want reason %q, %q, remote %v", who, r, err, reason, text, remote)
	}
}

// TestProven wants both ends to know each other's keys, and both secrets to be accepted while they are exchanged.
func TestProven(t *testing.T) {
	t.Parallel()
	a, b := memnet.Pipe()
	initiator, acceptor := greet(t, a, b,
		proving("a", link.Proof{Key: strangerKey, Secrets: [][]byte{meshSecret}}),
		proving("b", link.Proof{Key: rawKey, Ephemeral: true, Secrets: [][]byte{otherSecret, meshSecret}}))
	if initiator.err != nil || acceptor.err != nil {
		t.Fatal(initiator.err, acceptor.err)
	}
	east, west := initiator.link.Peer(), acceptor.link.Peer()
	if !east.Key.Equal(rawKey.Public()) || !west.Key.Equal(strangerKey.Public()) || !east.Ephemeral || west.Ephemeral || !east.Secret || !west.Secret {
		t.Errorf("peers: %+v, %+v", east, west)
	}
}

// TestRefused wants whoever refuses, and whoever is refused, to be told why.
func TestRefused(t *testing.T) {
	t.Parallel()
	judged := errors.New("not in my house")
	typed := fmt.Errorf("conn: %w", &link.Refusal{Reason: "known_key", Text: "another key under a known id"})
	refusing := func(err error) link.Proof { return link.Proof{Accept: func(link.Hello) error { return err }} }
	bound := link.Proof{Binding: []byte("one connection")}
	for name, c := range map[string]struct {
		initiator, acceptor link.Proof
		reason, text        string
		byInitiator         bool
	}{
		"no secret":               {link.Proof{}, link.Proof{Secrets: [][]byte{meshSecret}}, link.ReasonSecret, "shows none", false},
		"wrong secret":            {link.Proof{Secrets: [][]byte{otherSecret}}, link.Proof{Secrets: [][]byte{meshSecret}}, link.ReasonSecret, "differ", false},
		"acceptor without secret": {link.Proof{Secrets: [][]byte{meshSecret}}, link.Proof{}, link.ReasonSecret, "shows none", true},
		"other binding":           {bound, link.Proof{Binding: []byte("another")}, link.ReasonProof, "changed or passed on", false},
		"acceptor refuses":        {link.Proof{}, refusing(judged), link.ReasonRefused, "not in my house", false},
		"acceptor refuses, typed": {link.Proof{}, refusing(typed), "known_key", "another key under a known id", false},
		"initiator refuses":       {refusing(typed), link.Proof{}, "known_key", "another key under a known id", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := tcpPair(t)
			start := time.Now()
			initiator, acceptor := greet(t, a, b, proving("a", c.initiator), proving("b", c.acceptor))
			if acceptor.link != nil { // it had been believed, and learns it from its link
				<-acceptor.link.Done()
				acceptor.err = acceptor.link.Err()
			}
			wantRefusal(t, "initiator", initiator.err, c.reason, c.text, !c.byInitiator)
			wantRefusal(t, "acceptor", acceptor.err, c.reason, c.text, c.byInitiator)
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// TestHalfBound wants both ends to say that something in between ends TLS.
func TestHalfBound(t *testing.T) {
	t.Parallel()
	a, b := tcpPair(t)
	initiator, acceptor := greet(t, a, b, proving("a", link.Proof{Binding: []byte("exporter")}), proving("b", link.Proof{}))
	for who, err := range map[string]error{"initiator": initiator.err, "acceptor": acceptor.err} {
		var r *link.Refusal
		if !errors.As(err, &r) || r.Reason != link.ReasonBinding {
			t.Errorf("%s: %v", who, err)
		}
	}
}

// TestAcceptFirst wants nothing of an end to be told or served before it was judged, by whom it is judged.
func TestAcceptFirst(t *testing.T) {
	t.Parallel()
	near, far := memnet.Pipe()
	judging, verdict := make(chan link.Hello), make(chan error)
	cfg := proving("b", link.Proof{Accept: func(peer link.Hello) error {
		judging <- peer
		return <-verdict
	}})
	served := make(chan struct{}, 1)
	cfg.OnCatalog = func(*link.Link, uint64, []byte) { served <- struct{}{} }
	p := &rawPeer{t: t, conn: near, in: bufio.NewReader(near)}
	failed := make(chan error, 1)
	go func() {
		_, err := link.Server(t.Context(), far, cfg)
		failed <- err
	}()
	p.send(rawHello)
	hello := p.expect(typeHello)
	p.send(proofOf("initiator", transcriptOf(rawHello.payload, hello.payload, nil), rawKey),
		frame{typeCatalog, hasMsg | first, 0, fields(1, 7, []byte("catalog"))}, openEcho(1, halfClose, 0))
	if peer := <-judging; peer.CollectorID != "raw" || !peer.Key.Equal(rawKey.Public()) || !peer.Ephemeral || peer.Secret {
		t.Errorf("judged %+v", peer)
	}
	verdict <- errors.New("no")
	if f, err := p.receive(); err != nil || f.typ != typeRefused {
		t.Errorf("after the verdict: %v, %v; want a REFUSED and no PROOF", f, err)
	}
	near.Close()
	if err := <-failed; err == nil {
		t.Error("no error")
	}
	select {
	case <-served:
		t.Error("the catalog of a refused end was delivered")
	default:
	}
}

// TestForgedProofs are dialled at an acceptor by an end that has another's key, proof or HELLO, but not all of what was said
// now. None may make a link, none may be told a proof.
func TestForgedProofs(t *testing.T) {
	t.Parallel()
	recordedHello, recordedProof := recorded(t)
	for name, c := range map[string]struct {
		hello  frame
		proof  func(hello, theirs frame) []frame // the frames in the place of the PROOF
		reason string
	}{
		"replayed": {recordedHello, func(_, _ frame) []frame { return []frame{recordedProof} }, "signature"},
		"by another key": {rawHello, func(hello, theirs frame) []frame {
			return []frame{proofOf("initiator", transcriptOf(hello.payload, theirs.payload, nil), strangerKey)}
		}, "signature"},
		"in the other role": {rawHello, func(hello, theirs frame) []frame {
			return []frame{proofOf("acceptor", transcriptOf(hello.payload, theirs.payload, nil), rawKey)}
		}, "signature"},
		"of the HELLOs the other way round": {rawHello, func(hello, theirs frame) []frame {
			return []frame{proofOf("initiator", transcriptOf(theirs.payload, hello.payload, nil), rawKey)}
		}, "signature"},
		"of a HELLO with another id": {rawHello, func(hello, theirs frame) []frame {
			other := bytes.Replace(hello.payload, []byte("raw"), []byte("war"), 1)
			return []frame{proofOf("initiator", transcriptOf(other, theirs.payload, nil), rawKey)}
		}, "signature"},
		"of another binding": {rawHello, func(hello, theirs frame) []frame {
			return []frame{proofOf("initiator", transcriptOf(hello.payload, theirs.payload, []byte("x")), rawKey)}
		}, "signature"},
		"truncated": {rawHello, func(hello, theirs frame) []frame {
			f := proofOf("initiator", transcriptOf(hello.payload, theirs.payload, nil), rawKey)
			f.payload = f.payload[:63]
			return []frame{f}
		}, "truncated"},
		"of five secrets": {rawHello, func(hello, theirs frame) []frame {
			s := meshSecret
			return []frame{proofOf("initiator", transcriptOf(hello.payload, theirs.payload, nil), rawKey, s, s, s, s, s)}
		}, "proof of 5 secrets"},
		"of 5 KiB":             {rawHello, func(_, _ frame) []frame { return []frame{{typ: typeProof, payload: make([]byte, 5<<10)}} }, "exceeds 4096"},
		"after an OPEN":        {rawHello, func(_, _ frame) []frame { return []frame{openEcho(1, halfClose, 0)} }, "type 2 before the PROOF"},
		"after a CATALOG":      {rawHello, func(_, _ frame) []frame { return []frame{{typeCatalog, hasMsg, 0, nil}} }, "type 10 before the PROOF"},
		"after another HELLO":  {rawHello, func(_, _ frame) []frame { return []frame{rawHello} }, "type 1 before the PROOF"},
		"missing, and refused": {rawHello, func(_, _ frame) []frame { return []frame{{typ: typeRefused, payload: fields("r", "go away")}} }, "go away"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			near, far := memnet.Pipe()
			failed := make(chan error, 1)
			go func() {
				_, err := link.Server(t.Context(), far, config("b", echo{}))
				failed <- err
			}()
			p := &rawPeer{t: t, conn: near, in: bufio.NewReader(near)}
			p.send(c.hello)
			theirs := p.expect(typeHello)
			p.send(c.proof(c.hello, theirs)...)
			if f, err := p.receive(); err == nil && f.typ != typeRefused {
				t.Errorf("got frame %v", f)
			}
			near.Close()
			if err := <-failed; err == nil || !strings.Contains(err.Error(), c.reason) {
				t.Errorf("Server = %v, want it to tell of %q", err, c.reason)
			}
		})
	}
}

// recorded is the greeting of an honest initiator, as somebody on the way has it.
func recorded(t *testing.T) (hello, proof frame) {
	t.Helper()
	near, far := memnet.Pipe()
	ended := make(chan error, 1)
	go func() {
		_, err := link.Client(t.Context(), far, proving("a", link.Proof{Key: strangerKey}))
		ended <- err
	}()
	p := &rawPeer{t: t, conn: near, in: bufio.NewReader(near)}
	p.send(rawHello)
	hello, proof = p.expect(typeHello), p.expect(typeProof)
	near.Close()
	if err := <-ended; err == nil {
		t.Error("a link without the proof of the acceptor")
	}
	return hello, proof
}

// TestReflected leads a stream back to where it came from, and sends a dialling end its own proof.
func TestReflected(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		hello  func(theirs frame) frame
		reason string
	}{
		"HELLO": {func(theirs frame) frame { return theirs }, link.ReasonReflected},
		"PROOF": {func(frame) frame { return rawHello }, link.ReasonProof},
		"PROOF under the key of who dialled": {func(theirs frame) frame {
			said := bytes.Clone(theirs.payload)
			said[len(said)-64] ^= 1 // the nonce
			return frame{typ: typeHello, payload: said}
		}, link.ReasonProof},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			near, far := memnet.Pipe()
			ended := make(chan error, 1)
			go func() {
				_, err := link.Client(t.Context(), far, config("a", echo{}))
				ended <- err
			}()
			p := &rawPeer{t: t, conn: near, in: bufio.NewReader(near)}
			p.send(c.hello(p.expect(typeHello)))
			if f, err := p.receive(); err == nil && f.typ == typeProof {
				p.send(f)
				_, _ = p.receive()
			}
			near.Close()
			wantRefusal(t, name, <-ended, c.reason, "", false)
		})
	}
}

// TestRelayed has somebody between two TLS connections who passes all of the greeting on, unchanged.
func TestRelayed(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS()
	t.Cleanup(server.Close)
	certificate := server.TLS.Certificates
	first, middle := tlsPair(t, certificate)
	other, last := tlsPair(t, certificate)
	go func() { _, _ = io.Copy(other, middle) }()
	go func() { _, _ = io.Copy(middle, other) }()
	t.Cleanup(func() {
		middle.Close()
		other.Close()
	})
	secrets := [][]byte{meshSecret}
	initiator, acceptor := greet(t, first, last,
		proving("a", link.Proof{Secrets: secrets, Binding: bindingOf(t, first)}), proving("b", link.Proof{Secrets: secrets, Binding: bindingOf(t, last)}))
	wantRefusal(t, "acceptor", acceptor.err, link.ReasonProof, "passed on", false)
	wantRefusal(t, "initiator", initiator.err, link.ReasonProof, "passed on", true)

	a, b := tlsPair(t, certificate)
	initiator, acceptor = greet(t, a, b, proving("a", link.Proof{Binding: bindingOf(t, a)}), proving("b", link.Proof{Binding: bindingOf(t, b)}))
	if initiator.err != nil || acceptor.err != nil {
		t.Errorf("over one TLS connection: %v, %v", initiator.err, acceptor.err)
	}
}

func tlsPair(t *testing.T, certificates []tls.Certificate) (client, server *tls.Conn) {
	t.Helper()
	a, b := tcpPair(t)
	server = tls.Server(b, &tls.Config{Certificates: certificates})
	client = tls.Client(a, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // the binding is what is tested
	shaken := make(chan error, 1)
	go func() { shaken <- server.HandshakeContext(t.Context()) }()
	if err := errors.Join(client.HandshakeContext(t.Context()), <-shaken); err != nil {
		t.Fatal(err)
	}
	return client, server
}

func bindingOf(t *testing.T, c *tls.Conn) []byte {
	t.Helper()
	state := c.ConnectionState()
	binding, err := link.Binding(&state)
	if err != nil || len(binding) != 32 {
		t.Fatal(binding, err)
	}
	return binding
}

// TestProofTwice wants what belongs to the greeting to end a link that is up.
func TestProofTwice(t *testing.T) {
	t.Parallel()
	l, p := newRawPeer(t, config("b", echo{}))
	p.send(frame{typ: typeProof, payload: make([]byte, 65)})
	p.drain()
	<-l.Done()
	if err := l.Err(); err == nil || !strings.Contains(err.Error(), "a second PROOF") {
		t.Errorf("Err = %v", err)
	}
}

// TestSlowGreeting wants the two seconds to be for all of the greeting, however slowly a byte follows the other.
func TestSlowGreeting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := memnet.Pipe()
		defer near.Close()
		var slow sync.WaitGroup
		defer slow.Wait()
		slow.Go(func() {
			for _, b := range rawHello.bytes() {
				<-time.After(50 * time.Millisecond)
				if _, err := near.Write([]byte{b}); err != nil {
					return
				}
			}
		})
		start := time.Now()
		_, err := link.Server(t.Context(), far, config("b", echo{}))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 2*time.Second {
			t.Errorf("Server = %v after %v", err, time.Since(start))
		}
	})
}

// TestBadProofs wants what cannot prove anything to be refused before a byte is sent, and nothing secret to be printed.
func TestBadProofs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		proof  link.Proof
		reason string
	}{
		"half a key":   {link.Proof{Key: rawKey[:32]}, "an Ed25519 private key has 64"},
		"a password":   {link.Proof{Secrets: [][]byte{[]byte("correct horse")}}, "32 random bytes"},
		"five secrets": {link.Proof{Secrets: [][]byte{meshSecret, meshSecret, meshSecret, meshSecret, meshSecret}}, "at most 4"},
	} {
		near, far := memnet.Pipe()
		if _, err := link.Client(t.Context(), far, proving("a", c.proof)); err == nil || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%s: %v", name, err)
		}
		if b, err := io.ReadAll(near); err != nil || len(b) > 0 {
			t.Errorf("%s: %d bytes were sent, %v", name, len(b), err)
		}
	}
	proof := link.Proof{Key: rawKey, Secrets: [][]byte{meshSecret}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		text := fmt.Sprintf(verb, link.Config{Proof: proof})
		if strings.Contains(text, string(meshSecret)) || strings.Contains(text, fmt.Sprint([]byte(rawKey))) || strings.Contains(text, fmt.Sprintf("%#v", meshSecret)) {
			t.Errorf("%s prints %s", verb, text)
		}
	}
}
