package main

import (
	"context"
	"strconv"
	"sync/atomic"

	"connectrpc.com/connect/v2"
)

var calls atomic.Int64

// numbered gives every answer the number of its call. It is an interceptor as for any connect server.
func numbered(next connect.ServerFunc) connect.ServerFunc {
	return func(ctx context.Context, spec connect.Spec, stream connect.ServerStream) error {
		if info, ok := connect.CallInfoForServerContext(ctx); ok {
			info.ResponseHeader().Set("App-Call", strconv.FormatInt(calls.Add(1), 10))
		}
		return next(ctx, spec, stream)
	}
}
