package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
)

// contender is one implementation that can be put under load.
type contender struct {
	name  string
	start func(ctx context.Context, l load) (*bed, error)
}

// load is what the callers of a case do.
type load struct {
	callers int
	size    int  // payload bytes of a message
	stream  int  // messages of one server stream; 0 means unary calls
	tls     bool // TLS 1.3 instead of plain TCP
}

// bed is a started contender: the operation, and what to close when the case is over, in reverse order.
type bed struct {
	op      operation
	closers []func() error
}

func (b *bed) onClose(close func() error) { b.closers = append(b.closers, close) }

func (b *bed) close() error {
	var errs []error
	for _, close := range slices.Backward(b.closers) {
		errs = append(errs, close())
	}
	return errors.Join(errs...)
}

// quietly fits functions that close without a result.
func quietly(close func()) func() error {
	return func() error {
		close()
		return nil
	}
}

// startBed runs the contender's setup and makes one operation, so that a broken contender is noticed before any round.
func startBed(ctx context.Context, c contender, l load) (*bed, error) {
	b, err := c.start(ctx, l)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", c.name, err)
	}
	if _, err := b.op(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("first call of %s: %w", c.name, err), b.close())
	}
	return b, nil
}

// listen opens a loopback port.
func listen() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }
