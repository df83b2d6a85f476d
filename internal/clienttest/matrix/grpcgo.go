package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	grpcmetadata "google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/mesh"
)

// goClient is grpc-go without generated stubs, on a connection of its own.
type goClient struct{ *grpc.ClientConn }

// askGRPCGo asks each cell on a connection of its own.
func askGRPCGo(ctx context.Context, _ *rig, w way) []result {
	var results []result
	for _, c := range cells {
		results = append(results, answer(c.cell, askOnce(ctx, w, goCells[c.cell])))
	}
	return results
}

var goCells = map[cell]func(goClient, context.Context) error{
	unary: goClient.unary, serverStream: goClient.serverStream, clientStream: goClient.clientStream, bidi: goClient.bidi,
	deadline: goClient.deadline, metadata: goClient.metadata, details: goClient.details, together: goClient.together,
	unknownMethod: goClient.unknownMethod, unknownNamespace: goClient.unknownNamespace, bigHeader: goClient.bigHeader,
}

func askOnce(ctx context.Context, w way, ask func(goClient, context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	conn, err := dial(w)
	if err != nil {
		return err
	}
	defer conn.Close()
	return ask(goClient{conn}, ctx)
}

func dial(w way) (*grpc.ClientConn, error) {
	trust := insecure.NewCredentials()
	if w.authority != "" {
		var err error
		if trust, err = credentials.NewClientTLSFromFile(w.authority, ""); err != nil {
			return nil, err
		}
	}
	return grpc.NewClient(w.address, grpc.WithTransportCredentials(trust), grpc.WithNoProxy())
}

func (c goClient) echo(ctx context.Context, text string, opts ...grpc.CallOption) (string, error) {
	res := new(testingv1.EchoResponse)
	err := c.Invoke(ctx, "/"+service+"/Echo", &testingv1.EchoRequest{Text: text}, res, opts...)
	return res.GetText(), err
}

func (c goClient) unary(ctx context.Context) error {
	text, err := c.echo(ctx, "hi")
	return errors.Join(err, same("hi on b", text))
}

func (c goClient) open(ctx context.Context, method string) (grpc.ClientStream, error) {
	return c.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, "/"+service+"/"+method)
}

func (c goClient) serverStream(ctx context.Context) error {
	stream, err := c.open(ctx, "Count")
	if err == nil {
		err = errors.Join(stream.SendMsg(&testingv1.CountRequest{Limit: 3}), stream.CloseSend())
	}
	var numbers []int64
	for err == nil {
		res := new(testingv1.CountResponse)
		if err = stream.RecvMsg(res); err == nil {
			numbers = append(numbers, res.GetNumber())
		}
	}
	return errors.Join(unended(err), same([]int64{1, 2, 3}, numbers))
}

func unended(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func (c goClient) clientStream(ctx context.Context) error {
	stream, err := c.open(ctx, "Collect")
	for n := int64(0); n < 10 && err == nil; n++ {
		err = stream.SendMsg(&testingv1.CollectRequest{Number: n})
	}
	if err != nil {
		return err
	}
	res := new(testingv1.CollectResponse)
	err = errors.Join(stream.CloseSend(), stream.RecvMsg(res))
	return errors.Join(err, same(45, res.GetSum()))
}

func (c goClient) bidi(ctx context.Context) error {
	stream, err := c.open(ctx, "Converse")
	if err != nil {
		return err
	}
	for _, text := range []string{"one", "two"} {
		if err := converse(stream, text); err != nil {
			return err
		}
	}
	return errors.Join(stream.CloseSend(), unended(stream.RecvMsg(new(testingv1.ConverseResponse))))
}

func converse(stream grpc.ClientStream, text string) error {
	res := new(testingv1.ConverseResponse)
	err := errors.Join(stream.SendMsg(&testingv1.ConverseRequest{Text: text}), stream.RecvMsg(res))
	return errors.Join(err, same(text+" on b", res.GetText()))
}

func (c goClient) deadline(ctx context.Context) error {
	patient, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	text, err := c.echo(patient, "remaining")
	if left, _ := strconv.Atoi(text); err != nil || left <= 1000 || left > 5000 {
		return fmt.Errorf("the handler sees %q ms, %w", text, err)
	}
	hasty, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	_, err = c.echo(hasty, "wait")
	return same(codes.DeadlineExceeded, status.Code(err))
}

func (c goClient) metadata(ctx context.Context) error {
	const binary = "\x00\x01\xfe\xff"
	var header, trailer grpcmetadata.MD
	_, err := c.echo(grpcmetadata.AppendToOutgoingContext(ctx, "x-echo", "hello", "x-echo-bin", binary), "hi", grpc.Header(&header), grpc.Trailer(&trailer))
	got := slices.Concat(header.Get("x-echo-header"), header.Get("x-echo-header-bin"), trailer.Get("x-echo-trailer"), trailer.Get("x-echo-trailer-bin"))
	return errors.Join(err, same([]string{"hello", binary, "hello", binary}, got))
}

func (c goClient) details(ctx context.Context) error {
	err := c.Invoke(ctx, "/"+service+"/Fail", &testingv1.FailRequest{Code: 9, Message: "why", Detail: "more"}, new(testingv1.FailResponse))
	got := status.Convert(err)
	if got.Code() != codes.FailedPrecondition || got.Message() != "why" || len(got.Details()) != 1 {
		return fmt.Errorf("got %w", err)
	}
	if detail, ok := got.Details()[0].(proto.Message); !ok || !proto.Equal(detail, &testingv1.FailRequest{Detail: "more"}) {
		return fmt.Errorf("the detail is %v", got.Details()[0])
	}
	return nil
}

func (c goClient) unknownMethod(ctx context.Context) error {
	err := c.Invoke(ctx, "/"+service+"/"+missing, &testingv1.EchoRequest{Text: "hi"}, new(testingv1.EchoResponse))
	return refusedAs(err, codes.Unimplemented, missing)
}

func (c goClient) unknownNamespace(ctx context.Context) error {
	_, err := c.echo(grpcmetadata.AppendToOutgoingContext(ctx, mesh.HeaderNamespace, "nowhere"), "hi")
	return refusedAs(err, codes.NotFound, "nowhere")
}

func refusedAs(err error, code codes.Code, word string) error {
	if status.Code(err) != code || !strings.Contains(status.Convert(err).Message(), word) {
		return fmt.Errorf("want %v with %q, got %w", code, word, err)
	}
	return nil
}

func (c goClient) together(ctx context.Context) error {
	ctx = grpcmetadata.AppendToOutgoingContext(ctx, "x-echo", fmt.Sprintf("grpc-go %d %p", os.Getpid(), c.ClientConn))
	calls, ctx := errgroup.WithContext(ctx)
	for range crowd {
		calls.Go(func() error {
			text, err := c.echo(ctx, "together")
			return errors.Join(err, same("together on b", text))
		})
	}
	return calls.Wait()
}

func (c goClient) bigHeader(ctx context.Context) error {
	stream, err := c.open(ctx, "Converse")
	if err != nil {
		return err
	}
	if err := converse(stream, "one"); err != nil {
		return err
	}
	_, err = c.echo(grpcmetadata.AppendToOutgoingContext(ctx, "x-big", strings.Repeat("x", 40<<10)), "hi")
	if err := refusedAs(err, codes.ResourceExhausted, ""); err != nil {
		return err
	}
	return errors.Join(converse(stream, "two"), c.unary(ctx))
}

func same(want, got any) error {
	if want, ok := want.(int); ok {
		return same(int64(want), got)
	}
	if !reflect.DeepEqual(want, got) {
		return fmt.Errorf("want %v, got %v", want, got)
	}
	return nil
}
