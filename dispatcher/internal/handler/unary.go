package handler

import (
	"context"

	"connectrpc.com/connect/v2"
)

// Unary makes the ServerFunc of a function that answers one message with one message.
// receive makes an empty message to decode into, anew for each call. answer runs on the call's goroutine; its error goes
// to the caller as it is.
func Unary(receive func() any, answer func(ctx context.Context, in any) (any, error)) connect.ServerFunc {
	return func(ctx context.Context, _ connect.Spec, stream connect.ServerStream) error {
		in := receive()
		if err := stream.Receive(in); err != nil {
			return err
		}
		out, err := answer(ctx, in)
		if err != nil {
			return err
		}
		return stream.Send(out)
	}
}
