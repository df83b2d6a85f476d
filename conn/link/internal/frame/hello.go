package frame

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
	// HelloTimeout bounds the exchange of HELLOs.
	HelloTimeout = 2 * time.Second
	maxID        = 256
	// maxHello bounds what a stranger may send: the fields of this version, and room for those of later ones.
	maxHello = 4 << 10
)

// Hello is what an end says of itself, with the limits that the other end has to keep to.
type Hello struct {
	CollectorID, SessionID string
	Window                 int // credit of a new call
	MaxMessage             int
}

// append appends the whole frame. Fields that later versions add come behind these, where this one does not look.
func (h Hello) append(b []byte) []byte {
	start := len(b)
	b = Begin(b, TypeHello, 0, 0)
	b = binary.AppendUvarint(b, protocolVersion)
	b = AppendText(b, h.CollectorID)
	b = AppendText(b, h.SessionID)
	b = binary.AppendUvarint(b, uint64(h.Window))
	b = binary.AppendUvarint(b, uint64(h.MaxMessage))
	return End(b, start)
}

// readHello checks the limits, so that nothing later has to: a window that no part fits into would stall every call, and
// larger ones than an int holds would overflow. The collector id may be empty here; whose link it is, package conn judges.
func readHello(p *Payload) (Hello, error) {
	version := p.Uvarint()
	if p.Err == nil && version != protocolVersion {
		return Hello{}, Malformed(fmt.Sprintf("version %d, this end speaks %d", version, protocolVersion))
	}
	h := Hello{CollectorID: p.Text(maxID), SessionID: p.Text(maxID)}
	window, maxMessage := p.Uvarint(), p.Uvarint()
	if p.Err == nil && (window < PartSize+MessageCost || window > 1<<30 || maxMessage == 0 || maxMessage > math.MaxInt32) {
		p.Fail("limits out of range")
	}
	h.Window, h.MaxMessage = int(window), int(maxMessage)
	return h, p.Err
}

// Greet exchanges HELLOs within two seconds or the context, whichever is shorter. On an error the stream is closed.
// own is what this end says. Frames that come right behind the HELLO stay in the reader.
func Greet(ctx context.Context, stream io.ReadWriteCloser, frames *Reader, own Hello) (Hello, error) {
	if len(own.CollectorID) > maxID || len(own.SessionID) > maxID {
		stream.Close()
		return Hello{}, fmt.Errorf("link: collector id and session id are longer than %d bytes", maxID)
	}
	ctx, cancel := context.WithTimeout(ctx, HelloTimeout)
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
		return Hello{}, fmt.Errorf("link: no HELLO within %v: %w", HelloTimeout, ctx.Err())
	}
	return Hello{}, fmt.Errorf("link: handshake: %w", err)
}

// awaitHello reads one frame under the bound of a stranger's, and lets the reader go on under that of a peer's.
func awaitHello(frames *Reader) (Hello, error) {
	frames.limit = maxHello
	h, body, err := frames.Next()
	frames.limit = maxPayload
	if err != nil {
		return Hello{}, err
	}
	if h.Type != TypeHello {
		return Hello{}, Malformed("the first frame is not a HELLO")
	}
	return readHello(&Payload{B: body})
}
