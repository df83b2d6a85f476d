package main

import (
	"context"
	"net"
)

// stuckWay is a way to stop in the middle of a request.
type stuckWay struct {
	name string
	// stop sends a part of a request and returns when nothing more will come. over is closed when the target has let go of
	// the request otherwise than by closing the connection; nil where only that counts.
	stop func(ctx context.Context, c net.Conn) (over <-chan struct{}, err error)
}
