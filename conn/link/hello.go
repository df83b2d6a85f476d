package link

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"time"
)

const (
	protocolVersion = 1
	helloTimeout    = 2 * time.Second
	maxID           = 256
	// maxHello bounds what a stranger may send: the fields of this version, and room for those of later ones.
	maxHello = 4 << 10
)

// Hello is what an end says of itself.
type Hello struct {
	// CollectorID is the identity of the process.
	CollectorID string
	// SessionID names this run of the process, to tell a restart from a reconnect.
	SessionID string
}

// hello is Hello with the limits that the other end has to keep to.
type hello struct {
	Hello
	window     int
	maxMessage int
}

func (h hello) append(b []byte) []byte {
	start := len(b)
	b = beginFrame(b, frameHello, 0, 0)
	b = binary.AppendUvarint(b, protocolVersion)
	b = appendText(b, h.CollectorID)
	b = appendText(b, h.SessionID)
	b = binary.AppendUvarint(b, uint64(h.window))
	b = binary.AppendUvarint(b, uint64(h.maxMessage))
	return endFrame(b, start)
}

func readHello(p *payload) (hello, error) {
	version := p.uvarint()
	if p.err == nil && version != protocolVersion {
		return hello{}, protocolError(fmt.Sprintf("version %d, this end speaks %d", version, protocolVersion))
	}
	h := hello{Hello: Hello{CollectorID: p.text(maxID), SessionID: p.text(maxID)}}
	window, maxMessage := p.uvarint(), p.uvarint()
	if p.err == nil && (window < partSize+messageCost || window > 1<<30 || maxMessage == 0 || maxMessage > math.MaxInt32) {
		p.fail("limits out of range")
	}
	h.window, h.maxMessage = int(window), int(maxMessage)
	return h, p.err
}

// greet exchanges HELLOs within two seconds or the context, whichever is shorter.
func greet(ctx context.Context, stream io.ReadWriteCloser, frames *frameReader, own hello) (hello, error) {
	if len(own.CollectorID) > maxID || len(own.SessionID) > maxID {
		stream.Close()
		return hello{}, fmt.Errorf("link: collector id and session id are longer than %d bytes", maxID)
	}
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { stream.Close() })
	defer stop()
	sent := make(chan error, 1)
	go func() { // both ends speak first; over an unbuffered stream neither could finish alone
		_, err := stream.Write(own.append(nil))
		sent <- err
	}()
	peer, err := awaitHello(frames)
	if err != nil {
		stream.Close()
	}
	if sendErr := <-sent; err == nil {
		err = sendErr
	}
	if err == nil && !stop() {
		err = ctx.Err()
	}
	if err == nil {
		return peer, nil
	}
	stream.Close()
	if ctx.Err() != nil {
		return hello{}, fmt.Errorf("link: no HELLO within %v: %w", helloTimeout, ctx.Err())
	}
	return hello{}, fmt.Errorf("link: handshake: %w", err)
}

func awaitHello(frames *frameReader) (hello, error) {
	frames.limit = maxHello
	h, body, err := frames.next()
	frames.limit = maxPayload
	if err != nil {
		return hello{}, err
	}
	if h.typ != frameHello {
		return hello{}, protocolError("the first frame is not a HELLO")
	}
	return readHello(&payload{b: body})
}
