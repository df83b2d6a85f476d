package link

import (
	"context"

	"connectrpc.com/connect/v2"
)

// finish closes the handler's stream, then answers the call: err is the handler's verdict. A unary answer leaves as one
// frame if its message fits. It reports whether the call ended by this and nobody uses its memory any more.
func (c *serverCall) finish(err error) (spent bool) {
	defer func() { c.answer.release() }()
	alone := c.scope.leave()
	if err == nil && c.answer.size > partSize {
		err = c.send(&c.answer)
		c.answered = false
	}
	c.out.closed.Store(true)
	if !c.link.served.remove(c.id) {
		return false // nobody waits
	}
	frame := newBuffer(c.answer.size + endRoom)
	defer frame.release()
	c.writeEnd(frame, err)
	o := c.link.out
	if o.lockRoom(context.Background(), c.link.over) == nil {
		o.buf = append(o.buf, frame.b...)
		o.unlock()
	}
	return alone
}

// endRoom is what an END needs besides its message, as a guess.
const endRoom = 128

// writeEnd writes the END. If it cannot be written as it should be, the call fails instead.
func (c *serverCall) writeEnd(frame *buffer, err error) {
	if failure := c.tryEnd(frame, err); failure != nil {
		frame.b = frame.b[:0]
		frame.b = endFrame(appendError(beginFrame(frame.b, frameEnd, flagError, c.id), failure), 0)
	}
}

func (c *serverCall) tryEnd(frame *buffer, err error) *connect.Error {
	flags := c.endFlags(err)
	b := beginFrame(frame.b, frameEnd, flags, c.id)
	if flags&flagError != 0 {
		b = appendError(b, verdict(err))
	}
	if flags&flagMetadata != 0 {
		if !metadataFits(c.scope.info.ResponseHeader(), c.scope.info.ResponseTrailer()) {
			return connect.Errorf(connect.CodeResourceExhausted,
				"response headers and trailers exceed %d bytes or %d values", maxMetadata, maxValues)
		}
		b = c.appendBothMetadata(b)
	}
	if flags&flagMessage != 0 {
		var encodeErr error
		if b, encodeErr = c.answer.appendTo(b, c.target.codec); encodeErr != nil {
			return connect.Errorf(connect.CodeInternal, "marshal message: %v", encodeErr)
		}
	}
	frame.b = endFrame(b, 0)
	return nil
}

func (c *serverCall) endFlags(err error) uint8 {
	var flags uint8
	if err != nil {
		flags |= flagError
	} else if c.answered {
		flags |= flagMessage
	}
	if c.scope.info.ResponseTrailer().Len() > 0 || (!c.headersSent && c.scope.info.ResponseHeader().Len() > 0) {
		flags |= flagMetadata
	}
	return flags
}

func (c *serverCall) appendBothMetadata(b []byte) []byte {
	header := c.scope.info.ResponseHeader()
	if c.headersSent {
		header = &connect.Header{}
	}
	b = appendMetadata(b, header)
	return appendMetadata(b, c.scope.info.ResponseTrailer())
}
