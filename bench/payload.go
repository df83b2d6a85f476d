package main

import (
	"bytes"
	"context"
	"errors"
	"time"
)

// Every contender that can carries these with each call, and its handler refuses the call when they are missing. The
// names are spelled as each framework keeps them; another spelling costs it an allocation each time.
const (
	requestIDHeader = "X-Request-Id" // Connect
	requestIDKey    = "x-request-id" // gRPC
	requestID       = "0198c5f2-7f3e-7c1a-9a51-3f1f6f0f7a11"
	tenantHeader    = "X-Tenant"
	tenantKey       = "x-tenant"
	tenant          = "tenant-7"
	callTimeout     = 10 * time.Second
)

// namespace is where the mesh contenders register the service.
const namespace = "bench"

var (
	errNoDeadline = errors.New("the call arrived without its deadline")
	errNoMetadata = errors.New("the call arrived without its metadata")
	errWrongEcho  = errors.New("the answer is not the payload that was sent")
)

// payload answers size bytes that are not all alike.
func payload(size int) []byte {
	return bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
}

// checkArrival is what every echo handler does first: both ends must really have carried the deadline and metadata.
func checkArrival(ctx context.Context, id string) error {
	if _, ok := ctx.Deadline(); !ok {
		return errNoDeadline
	}
	if id != requestID {
		return errNoMetadata
	}
	return nil
}

// checkEcho compares the sizes only: comparing 64 KiB would be measured too.
func checkEcho(sent, got int) (yield, error) {
	if sent != got {
		return yield{}, errWrongEcho
	}
	return yield{calls: 1, bytes: got}, nil
}
