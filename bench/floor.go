package main

import (
	"context"
	"errors"
	"io"
	"net"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectinprocess"

	"github.com/collectiverpc/collective/bench/gen/bench/v1/benchv1connect"
)

// The floors are no contenders but what nobody can go below: the one is all of a call but the way between the two ends,
// the other is nothing but that way.
var (
	inProcess = contender{"in_process", startInProcess} // client and handler, no wire, messages copied
	bareTCP   = contender{"tcp", startBareTCP}          // bytes there and back, no call
)

func startInProcess(_ context.Context, l load) (*bed, error) {
	server := connect.NewServer()
	benchv1connect.RegisterBenchServiceHandler(server, connectEcho{})
	return &bed{op: connectOperation(connectinprocess.New(server), l)}, nil
}

// startBareTCP has each end read on a goroutine of its own, which hands over to the one that waits, as any wire must
// whose reader waits for nobody. It serves a single caller.
func startBareTCP(_ context.Context, l load) (*bed, error) {
	if l.callers != 1 {
		return nil, errors.New("the bare TCP floor has one caller")
	}
	dialled, accepted, err := tcpPair(false)
	if err != nil {
		return nil, err
	}
	const overhead = 200 // about what headers and metadata take
	request := payload(l.size + overhead)
	answers, requests := pass(dialled, len(request)), pass(accepted, len(request))
	go func() {
		for range requests {
			_, _ = accepted.Write(request)
		}
	}()
	b := &bed{op: func(context.Context) (yield, error) {
		if _, err := dialled.Write(request); err != nil {
			return yield{}, err
		}
		if _, ok := <-answers; !ok {
			return yield{}, io.ErrUnexpectedEOF
		}
		return yield{calls: 1, bytes: l.size}, nil
	}}
	b.onClose(func() error { return errors.Join(dialled.Close(), accepted.Close()) })
	return b, nil
}

// pass reads pieces of n bytes and tells of each.
func pass(from net.Conn, n int) <-chan struct{} {
	arrived := make(chan struct{}, 1)
	go func() {
		defer close(arrived)
		for piece := make([]byte, n); ; {
			if _, err := io.ReadFull(from, piece); err != nil {
				return
			}
			arrived <- struct{}{}
		}
	}()
	return arrived
}
