package link

import (
	"context"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link/internal/frame"
)

// finish closes the handler's stream, then answers the call: err is the handler's verdict. A unary answer leaves as one
// frame if its message fits. It reports whether the call ended by this and nobody uses its memory any more.
func (c *serverCall) finish(err error) (spent bool) {
	defer func() { c.answer.release() }()
	alone := c.scope.leave()
	if err == nil && c.answer.size > frame.PartSize {
		err = c.send(&c.answer)
	}
	if _, moved := c.life.on(sentEnd); !moved {
		return false // nobody waits
	}
	c.link.served.remove(c.id)
	f := newBuffer(c.answer.size + endRoom)
	defer f.release()
	c.writeEnd(f, err)
	o := c.link.out
	if o.lockRoom(context.Background(), c.link.over) == nil {
		o.buf = append(o.buf, f.b...)
		o.unlock()
	}
	return alone
}

// endRoom is what an END needs besides its message, as a guess.
const endRoom = 128

// writeEnd writes the END. If it cannot be written as it should be, the call fails instead.
func (c *serverCall) writeEnd(f *buffer, err error) {
	if failure := c.tryEnd(f, err); failure != nil {
		f.b = f.b[:0]
		f.b = frame.End(frame.AppendError(frame.Begin(f.b, frame.TypeEnd, frame.FlagError, c.id), failure), 0)
	}
}

func (c *serverCall) tryEnd(f *buffer, err error) *connect.Error {
	flags := c.endFlags(err)
	b := frame.Begin(f.b, frame.TypeEnd, flags, c.id)
	if flags&frame.FlagError != 0 {
		b = frame.AppendError(b, verdict(err))
	}
	if flags&frame.FlagMetadata != 0 {
		if !frame.MetadataFits(c.scope.info.ResponseHeader(), c.scope.info.ResponseTrailer()) {
			return connect.Errorf(connect.CodeResourceExhausted,
				"response headers and trailers exceed %d bytes or %d values", frame.MaxMetadata, frame.MaxValues)
		}
		b = c.appendBothMetadata(b)
	}
	if flags&frame.FlagMessage != 0 {
		var encodeErr error
		if b, encodeErr = c.answer.appendTo(b, c.target.codec); encodeErr != nil {
			return connect.Errorf(connect.CodeInternal, "marshal message: %v", encodeErr)
		}
	}
	f.b = frame.End(b, 0)
	return nil
}

func (c *serverCall) endFlags(err error) uint8 {
	var flags uint8
	if err != nil {
		flags |= frame.FlagError
	} else if c.response == responseHeld {
		flags |= frame.FlagMessage
	}
	if c.scope.info.ResponseTrailer().Len() > 0 || (c.response != responseBegun && c.scope.info.ResponseHeader().Len() > 0) {
		flags |= frame.FlagMetadata
	}
	return flags
}

func (c *serverCall) appendBothMetadata(b []byte) []byte {
	header := c.scope.info.ResponseHeader()
	if c.response == responseBegun {
		header = &connect.Header{}
	}
	b = frame.AppendMetadata(b, header)
	return frame.AppendMetadata(b, c.scope.info.ResponseTrailer())
}
