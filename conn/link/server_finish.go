package link

import (
	"context"

	"connectrpc.com/connect/v2"
)

// finish answers the call: err is the handler's verdict. A unary answer leaves as one frame if its message fits.
func (c *serverCall) finish(err error) {
	defer c.answer.release()
	if err == nil && c.answer.size > partSize {
		err = c.send(c.answer)
		c.answered = false
	}
	c.out.closed.Store(true)
	if !c.link.served.remove(c.id) {
		return // nobody waits
	}
	if c.link.out.lockRoom(context.Background(), c.link.over) != nil {
		return
	}
	defer c.link.out.unlock()
	c.appendEnd(err)
}

// appendEnd appends the END. If it cannot be written as it should be, the call fails instead.
func (c *serverCall) appendEnd(err error) {
	o := c.link.out
	start := len(o.buf)
	flags := c.endFlags(err)
	b := beginFrame(o.buf, frameEnd, flags, c.id)
	if flags&flagError != 0 {
		b = appendError(b, verdict(err))
	}
	if flags&flagMetadata != 0 {
		if !metadataFits(c.info.ResponseHeader(), c.info.ResponseTrailer()) {
			o.buf = c.appendFailure(o.buf[:start], connect.Errorf(connect.CodeResourceExhausted,
				"response headers and trailers exceed %d bytes or %d values", maxMetadata, maxValues))
			return
		}
		b = c.appendBothMetadata(b)
	}
	if flags&flagMessage != 0 {
		var encodeErr error
		if b, encodeErr = c.answer.appendTo(b, c.target.codec); encodeErr != nil {
			o.buf = c.appendFailure(o.buf[:start], connect.Errorf(connect.CodeInternal, "marshal message: %v", encodeErr))
			return
		}
	}
	o.buf = endFrame(b, start)
}

func (c *serverCall) endFlags(err error) uint8 {
	var flags uint8
	if err != nil {
		flags |= flagError
	} else if c.answered {
		flags |= flagMessage
	}
	if c.info.ResponseTrailer().Len() > 0 || (!c.headersSent && c.info.ResponseHeader().Len() > 0) {
		flags |= flagMetadata
	}
	return flags
}

func (c *serverCall) appendBothMetadata(b []byte) []byte {
	header := c.info.ResponseHeader()
	if c.headersSent {
		header = &connect.Header{}
	}
	b = appendMetadata(b, header)
	return appendMetadata(b, c.info.ResponseTrailer())
}

func (c *serverCall) appendFailure(b []byte, err *connect.Error) []byte {
	start := len(b)
	return endFrame(appendError(beginFrame(b, frameEnd, flagError, c.id), err), start)
}
