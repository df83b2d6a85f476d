package differential

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"

	conformancev1 "github.com/collectiverpc/collective/internal/conformance/gen/connectrpc/conformance/v1"
	"github.com/collectiverpc/collective/internal/conformance/gen/connectrpc/conformance/v1/conformancev1connect"
)

// handler answers from the seed of a call, and tells in its answers what it received.
type handler struct {
	conformancev1connect.UnimplementedConformanceServiceHandler
}

// answering is a call as its handler sees it.
type answering struct {
	source
	info     *connect.CallInfo
	received hash.Hash // of the request so far
}

func newAnswering(ctx context.Context) (*answering, error) {
	info, _ := connect.CallInfoForServerContext(ctx)
	seed, err := strconv.ParseUint(info.RequestHeader().Get(seedHeader), 10, 64)
	if err != nil {
		return nil, err
	}
	a := &answering{newSource(seed, handlerEnd), info, sha256.New()}
	headers := maps.Collect(info.RequestHeader().All())
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		if strings.HasPrefix(name, "X-") && name != "X-Grpc-Web" && name != "X-User-Agent" {
			fmt.Fprintf(a.received, "%s: %q\n", name, headers[name])
		}
	}
	a.metadata(info.ResponseHeader())
	a.metadata(info.ResponseTrailer())
	return a, nil
}

func (a *answering) take(message proto.Message) error {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(message)
	fmt.Fprintf(a.received, "%d %x\n", len(data), sha256.Sum256(data))
	return err
}

// payload is an answer: random bytes after the digest of what was received.
func (a *answering) payload() *conformancev1.ConformancePayload {
	return &conformancev1.ConformancePayload{Data: append(a.received.Sum(nil), a.data()...)}
}

// verdict is an error in n of 100 cases.
func (a *answering) verdict(n int) error {
	if !a.chance(n) {
		return nil
	}
	return a.failure()
}

func (handler) Unary(ctx context.Context, req *conformancev1.UnaryRequest) (*conformancev1.UnaryResponse, error) {
	payload, err := answerOnce(ctx, req)
	return &conformancev1.UnaryResponse{Payload: payload}, err
}

func (handler) IdempotentUnary(
	ctx context.Context, req *conformancev1.IdempotentUnaryRequest,
) (*conformancev1.IdempotentUnaryResponse, error) {
	payload, err := answerOnce(ctx, req)
	return &conformancev1.IdempotentUnaryResponse{Payload: payload}, err
}

func answerOnce(ctx context.Context, req proto.Message) (*conformancev1.ConformancePayload, error) {
	a, err := newAnswering(ctx)
	if err == nil {
		err = a.take(req)
	}
	if err != nil {
		return nil, err
	}
	return a.payload(), a.verdict(25)
}

func (handler) ServerStream(
	ctx context.Context, req *conformancev1.ServerStreamRequest,
	stream conformancev1connect.ConformanceServiceServerStreamServerStream,
) error {
	a, err := newAnswering(ctx)
	if err == nil {
		err = a.take(req)
	}
	if err != nil {
		return err
	}
	if a.chance(20) {
		err = stream.SendHeaders()
	}
	for range a.IntN(6) {
		if err != nil {
			return err
		}
		err = stream.Send(&conformancev1.ServerStreamResponse{Payload: a.payload()})
	}
	return errors.Join(err, a.verdict(25))
}

func (handler) ClientStream(
	ctx context.Context, stream conformancev1connect.ConformanceServiceClientStreamServerStream,
) (*conformancev1.ClientStreamResponse, error) {
	a, err := newAnswering(ctx)
	for err == nil {
		var req *conformancev1.ClientStreamRequest
		if req, err = stream.Receive(); err == nil {
			err = a.take(req)
		}
	}
	if !errors.Is(err, io.EOF) {
		return nil, err
	}
	return &conformancev1.ClientStreamResponse{Payload: a.payload()}, a.verdict(25)
}

// BidiStream answers each request at once, and a few times after the last.
func (handler) BidiStream(ctx context.Context, stream conformancev1connect.ConformanceServiceBidiStreamServerStream) error {
	a, err := newAnswering(ctx)
	if err != nil {
		return err
	}
	for {
		req, err := stream.Receive()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = a.take(req)
		}
		if err == nil {
			err = a.verdict(3) // before the client has said all
		}
		if err == nil {
			err = stream.Send(&conformancev1.BidiStreamResponse{Payload: a.payload()})
		}
		if err != nil {
			return err
		}
	}
	for range a.IntN(3) {
		if err := stream.Send(&conformancev1.BidiStreamResponse{Payload: a.payload()}); err != nil {
			return err
		}
	}
	return a.verdict(25)
}
