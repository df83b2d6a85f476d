package service

import (
	"context"
	"errors"
	"io"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"

	conformancev1 "github.com/collectiverpc/collective/internal/conformance/gen/connectrpc/conformance/v1"
	"github.com/collectiverpc/collective/internal/conformance/gen/connectrpc/conformance/v1/conformancev1connect"
)

// Register registers the service on a server, local or of a collector.
func Register(server *connect.Server) {
	conformancev1connect.RegisterConformanceServiceHandler(server, service{})
}

// service leaves the method Unimplemented to the embedded handler.
type service struct {
	conformancev1connect.UnimplementedConformanceServiceHandler
}

func (service) Unary(ctx context.Context, req *conformancev1.UnaryRequest) (*conformancev1.UnaryResponse, error) {
	payload, err := answerOnce(ctx, req.GetResponseDefinition(), req)
	return &conformancev1.UnaryResponse{Payload: payload}, err
}

func (service) IdempotentUnary(
	ctx context.Context, req *conformancev1.IdempotentUnaryRequest,
) (*conformancev1.IdempotentUnaryResponse, error) {
	payload, err := answerOnce(ctx, req.GetResponseDefinition(), req)
	return &conformancev1.IdempotentUnaryResponse{Payload: payload}, err
}

func (service) ClientStream(
	ctx context.Context, stream conformancev1connect.ConformanceServiceClientStreamServerStream,
) (*conformancev1.ClientStreamResponse, error) {
	requests, err := receiveAll(stream.Receive)
	if err != nil {
		return nil, err
	}
	var definition *conformancev1.UnaryResponseDefinition
	messages := make([]proto.Message, len(requests))
	for i, req := range requests {
		messages[i] = req
	}
	if len(requests) > 0 {
		definition = requests[0].GetResponseDefinition()
	}
	payload, err := answerOnce(ctx, definition, messages...)
	return &conformancev1.ClientStreamResponse{Payload: payload}, err
}

func receiveAll[T any](receive func() (T, error)) ([]T, error) {
	var all []T
	for {
		one, err := receive()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
}

// answerOnce makes the only payload of a method without a response stream, or its error.
func answerOnce(
	ctx context.Context, definition *conformancev1.UnaryResponseDefinition, requests ...proto.Message,
) (*conformancev1.ConformancePayload, error) {
	seen, err := observe(ctx, requests)
	if err != nil {
		return nil, err
	}
	setMetadata(ctx, definition)
	if err := wait(ctx, definition.GetResponseDelayMs()); err != nil {
		return nil, err
	}
	if definition.GetError() != nil {
		return nil, newError(definition.GetError(), seen)
	}
	return &conformancev1.ConformancePayload{Data: definition.GetResponseData(), RequestInfo: seen}, nil
}

func wait(ctx context.Context, ms uint32) error {
	if ms == 0 {
		return nil
	}
	timer := time.NewTimer(time.Duration(ms) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
