package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/collectiverpc/collective/internal/name"
)

// Headers of the native path.
const (
	namespaceHeader = "Collective-Namespace"
	targetHeader    = "Collective-Target"
	executorHeader  = "Collective-Executor"
	routeHeader     = "Collective-Route"
)

// callStream sends every JSON value of -d and prints every answer on a line of its own as it arrives.
func (c *plannedCall) callStream(ctx context.Context) error {
	messages, err := c.messages()
	if err != nil {
		return err
	}
	ctx, info := connect.NewClientContext(ctx)
	c.address(ctx)
	start := time.Now()
	received, err := c.exchange(ctx, messages)
	if c.flags.show {
		c.session.app.showHeaders(info)
	}
	executor, route := answeredBy(info)
	err = c.streamVerdict(ctx, err, executor, route)
	if executor != "" && (err == nil || !c.session.app.structured()) {
		c.handled(executor, route, time.Since(start), plural(received, "message"))
	}
	return err
}

// streamVerdict makes the method's own failure of an error that a stream ended with.
func (c *plannedCall) streamVerdict(ctx context.Context, err error, executor string, route []string) error {
	if _, ours := errors.AsType[*failure](err); err == nil || ours || executor == "" || ctx.Err() != nil {
		return err
	}
	return c.allowed(c.session.explainHandled(err, route))
}

func (c *plannedCall) messages() ([]*dynamicpb.Message, error) {
	data, err := c.session.app.readInput(c.flags.data)
	if err != nil {
		return nil, err
	}
	values, err := splitJSON(data)
	if err != nil {
		return nil, err
	}
	if len(values) != 1 && !c.descriptor.IsStreamingClient() {
		return nil, usagef("%s/%s takes one message, -d has %d", c.service, c.method, len(values))
	}
	messages := make([]*dynamicpb.Message, len(values))
	for i, value := range values {
		if messages[i], err = c.schema.parseMessage(value, c.descriptor.Input()); err != nil {
			return nil, err
		}
	}
	return messages, nil
}

// exchange sends and receives at the same time, as a method that answers each message at once needs it. It returns
// how many messages came back.
func (c *plannedCall) exchange(ctx context.Context, messages []*dynamicpb.Message) (received int, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	transport, err := c.transport()
	if err != nil {
		return 0, err
	}
	stream, err := connect.NewClient(transport, c.session.app.addHeaders).CallClientStream(ctx, c.spec())
	if err != nil {
		return 0, err
	}
	sent := make(chan error, 1)
	go func() { sent <- sendAll(stream, messages) }()
	received, err = c.receiveAll(stream)
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
func sendAll(stream connect.ClientStream, messages []*dynamicpb.Message) error {
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

func (c *plannedCall) receiveAll(stream connect.ClientStream) (int, error) {
	for received := 0; ; received++ {
		message := dynamicpb.NewMessage(c.descriptor.Output())
		if err := stream.Receive(message); err != nil {
			if errors.Is(err, io.EOF) {
				return received, nil
			}
			return received, err
		}
		if err := c.showAnswer(message, true); err != nil {
			return received, err
		}
	}
}

// transport is the session's, except that a bidirectional call needs HTTP/2.
func (c *plannedCall) transport() (connect.Transport, error) {
	s := c.session
	both := c.descriptor.IsStreamingClient() && c.descriptor.IsStreamingServer()
	if !both || s.base.Scheme == "https" {
		return s.transport(), nil
	}
	plain, err := s.app.httpTransport(s.base, &s.witness.heard)
	if err != nil {
		return nil, err
	}
	plain.Protocols = new(http.Protocols)
	plain.Protocols.SetUnencryptedHTTP2(true)
	s.http.CloseIdleConnections()
	s.witness.next = plain
	return s.transport(), nil
}

func (c *plannedCall) spec() connect.Spec {
	return connect.Spec{
		Procedure:        name.Procedure(c.service, c.method),
		StreamType:       streamType(c.descriptor),
		Schema:           c.descriptor,
		IdempotencyLevel: idempotency(c.descriptor),
	}
}

func streamType(method protoreflect.MethodDescriptor) connect.StreamType {
	kind := connect.StreamTypeUnary
	if method.IsStreamingClient() {
		kind |= connect.StreamTypeClient
	}
	if method.IsStreamingServer() {
		kind |= connect.StreamTypeServer
	}
	return kind
}

func idempotency(method protoreflect.MethodDescriptor) connect.IdempotencyLevel {
	options, _ := method.Options().(*descriptorpb.MethodOptions)
	return connect.IdempotencyLevel(options.GetIdempotencyLevel())
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
