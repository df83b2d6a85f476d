package link

import (
	"context"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link/internal/buffer"
	"github.com/collectiverpc/collective/conn/link/internal/frame"
)

// finish closes the handler's stream, then answers the call: err is the handler's verdict. A unary answer leaves as one
// frame if its message fits. It reports whether the call ended by this and nobody uses its memory any more.
func (c *serverCall) finish(err error) (alone bool) {
	defer func() { c.answer.release() }()
	alone = c.stream.leave()
	if err == nil && c.answer.size > frame.PartSize {
		err = c.send(&c.answer)
	}
	if _, moved := c.life.on(sentEnd); !moved {
		return false // nobody waits
	}
	f := buffer.New(c.answer.size + endRoom)
	defer f.Release()
	c.writeEnd(f, err)
	o := c.core.out
	if o.Lock(context.Background()) == nil {
		o.Append(f.B)
		o.Unlock()
	}
	return alone
}

// writeEnd writes the END. If it cannot be written as it should be, the call fails instead.
func (c *serverCall) writeEnd(f *buffer.Buffer, err error) {
	if failure := c.tryEnd(f, err); failure != nil {
		f.B = f.B[:0]
		f.B = frame.End(frame.AppendError(frame.Begin(f.B, frame.TypeEnd, frame.FlagError, c.id), failure), 0)
	}
}

func (c *serverCall) tryEnd(f *buffer.Buffer, err error) *connect.Error {
	flags := c.endFlags(err)
	b := frame.Begin(f.B, frame.TypeEnd, flags, c.id)
	if flags&frame.FlagError != 0 {
		b = frame.AppendError(b, handlerError(err))
	}
	if flags&frame.FlagMetadata != 0 {
		if !frame.MetadataFits(c.stream.info.ResponseHeader(), c.stream.info.ResponseTrailer()) {
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
	f.B = frame.End(b, 0)
	return nil
}

func (c *serverCall) endFlags(err error) uint8 {
	var flags uint8
	if err != nil {
		flags |= frame.FlagError
	} else if c.response == responseHeld {
		flags |= frame.FlagMessage
	}
	if c.stream.info.ResponseTrailer().Len() > 0 || (c.response != responseBegun && c.stream.info.ResponseHeader().Len() > 0) {
		flags |= frame.FlagMetadata
	}
	return flags
}

func (c *serverCall) appendBothMetadata(b []byte) []byte {
	header := c.stream.info.ResponseHeader()
	if c.response == responseBegun {
		header = &connect.Header{}
	}
	b = frame.AppendMetadata(b, header)
	return frame.AppendMetadata(b, c.stream.info.ResponseTrailer())
}
