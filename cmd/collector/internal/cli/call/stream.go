package call

import (
	"context"
	"errors"
	"io"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
)

// Stream makes a streaming call: it sends every input and hands on every output as it arrives, of which it returns the number.
// ctx is of [connect.NewClientContext]. An error is one of each, or of the way to the mesh; what the method says is in the
// answer.
func (c *Call) Stream(ctx context.Context, inputs []proto.Message, each func(proto.Message) error) (received int, _ Answer, _ error) {
	info := c.address(ctx)
	received, err := c.exchange(ctx, inputs, each)
	answer := answeredBy(info)
	if _, ours := failure.As(err); err == nil || ours || answer.Executor == "" || ctx.Err() != nil {
		return received, answer, err
	}
	answer.Failed = c.session.ExplainHandled(err, answer.Route)
	return received, answer, nil
}

// exchange sends and receives at the same time, as a method that answers each message at once needs it.
func (c *Call) exchange(ctx context.Context, inputs []proto.Message, each func(proto.Message) error) (received int, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	client := c.session.CallClient(c.descriptor.IsStreamingClient() && c.descriptor.IsStreamingServer())
	stream, err := client.CallClientStream(ctx, c.spec())
	if err != nil {
		return 0, err
	}
	sent := make(chan error, 1)
	go func() { sent <- sendAll(stream, inputs) }()
	received, err = c.receiveAll(stream, each)
	if err != nil {
		cancel() // the sender must not wait for a peer that will not read
	}
	sendErr := <-sent
	closeErr := stream.Close()
	if err != nil {
		return received, err
	}
	return received, errors.Join(sendErr, closeErr)
}

// sendAll sends every message. An io.EOF means that the other end is done early; receiving tells why.
func sendAll(stream connect.ClientStream, messages []proto.Message) error {
	for _, message := range messages {
		if err := stream.Send(message); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
	return stream.CloseSend()
}

func (c *Call) receiveAll(stream connect.ClientStream, each func(proto.Message) error) (int, error) {
	for received := 0; ; received++ {
		message := dynamicpb.NewMessage(c.descriptor.Output())
		if err := stream.Receive(message); err != nil {
			if errors.Is(err, io.EOF) {
				return received, nil
			}
			return received, err
		}
		if err := each(message); err != nil {
			return received, err
		}
	}
}
