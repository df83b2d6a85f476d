package inprocess

import (
	"context"
	"io"
	"sync"
)

// pipe hands messages from one goroutine to another without a buffer. The receiver offers its own message and the
// sender copies into it, so the two never share memory.
type pipe struct {
	offers  chan any
	copied  chan error
	ended   chan struct{}
	endOnce sync.Once
}

func newPipe() *pipe {
	return &pipe{offers: make(chan any), copied: make(chan error, 1), ended: make(chan struct{})}
}

// send waits for a receiver. It returns io.EOF when there will be none, because gone or the pipe ended.
func (p *pipe) send(ctx context.Context, gone <-chan struct{}, msg any, before func()) error {
	select {
	case <-p.ended:
		return io.EOF
	default:
	}
	select {
	case into := <-p.offers:
		if before != nil {
			before()
		}
		p.copied <- copyMessage(into, msg)
		return nil
	case <-gone:
		return io.EOF
	case <-ctx.Done():
		select {
		case <-gone: // the end of a call cancels its context too
			return io.EOF
		default:
			return ctx.Err()
		}
	}
}

// receive waits for a message; io.EOF when the sender has ended.
func (p *pipe) receive(ctx context.Context, into any) error {
	select {
	case p.offers <- into:
		return <-p.copied
	case <-p.ended:
		return io.EOF
	case <-ctx.Done():
		return ctx.Err()
	}
}

// end may be called any number of times, by the sender.
func (p *pipe) end() { p.endOnce.Do(func() { close(p.ended) }) }
