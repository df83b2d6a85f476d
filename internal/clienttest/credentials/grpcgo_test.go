package credentials_test

import (
	"cmp"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/mesh"
)

// perCall is the PerRPCCredentials of a token: what grpc-go sends with each call, over TLS alone.
type perCall string

func (p perCall) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": string(p)}, nil
}

func (perCall) RequireTransportSecurity() bool { return true }

// The ways of grpc-go, by their names. Its generated stubs cannot be in one program with those of the collectors.
var grpcWays = map[string]func(context.Context, *grpc.ClientConn, ...grpc.CallOption) (caller string, err error){
	"unary": func(ctx context.Context, c *grpc.ClientConn, options ...grpc.CallOption) (string, error) {
		res := new(testingv1.EchoResponse)
		err := c.Invoke(ctx, testingv1connect.EchoServiceEchoProcedure, &testingv1.EchoRequest{}, res, options...)
		return res.GetText(), err
	},
	"server stream": func(ctx context.Context, c *grpc.ClientConn, options ...grpc.CallOption) (string, error) {
		res := new(testingv1.CountResponse)
		return stream(ctx, c, testingv1connect.EchoServiceCountProcedure, &testingv1.CountRequest{Limit: 1}, res, options...)
	},
	"bidi": func(ctx context.Context, c *grpc.ClientConn, options ...grpc.CallOption) (string, error) {
		res := new(testingv1.ConverseResponse)
		return stream(ctx, c, testingv1connect.EchoServiceConverseProcedure, &testingv1.ConverseRequest{}, res, options...)
	},
	"Dispatch": func(ctx context.Context, c *grpc.ClientConn, options ...grpc.CallOption) (string, error) {
		res := new(collector.DispatchResponse)
		err := c.Invoke(ctx, collectorconnect.CollectiveDispatcherDispatchProcedure, &collector.DispatchRequest{
			Namespace: namespace, Service: &collector.ServiceTypeRef{ServiceName: "EchoService"}, MethodName: "Echo", Input: question(),
		}, res, options...)
		return unpacked(res.GetOutput(), err)
	},
	"Serve": func(ctx context.Context, c *grpc.ClientConn, options ...grpc.CallOption) (string, error) {
		res := new(collector.ServeResponse)
		err := c.Invoke(ctx, collectorconnect.CollectiveDispatcherServeProcedure, &collector.ServeRequest{
			Namespace: namespace, Service: &collector.ServiceTypeRef{ServiceName: "EchoService"}, MethodName: "Echo", Input: question(),
		}, res, options...)
		return unpacked(res.GetOutput(), err)
	},
}

// stream asks one question on a stream, and gives the caller that the header of the answer says.
func stream(ctx context.Context, c *grpc.ClientConn, procedure string, req, res proto.Message, options ...grpc.CallOption) (string, error) {
	opened, err := c.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, procedure, options...)
	if err != nil {
		return "", err
	}
	_ = opened.SendMsg(req) // why it fails is RecvMsg's to say
	_ = opened.CloseSend()
	for err == nil {
		err = opened.RecvMsg(res)
	}
	header, _ := opened.Header()
	return strings.Join(header.Get(callerHeader), ","), unended(err)
}

// unended is an error that is not the end of a stream.
func unended(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// grpc-go, which sends a token as PerRPCCredentials and the rest as metadata.
func TestGRPCGo(t *testing.T) {
	r := newRig(t)
	for _, shown := range append(r.goodOnes(t), r.badOnes(t)...) {
		for entrance, c := range map[string]*host{"a": r.a, "b": r.b} {
			conn, err := grpc.NewClient(c.Address, grpc.WithNoProxy(), grpc.WithTransportCredentials(credentials.NewTLS(r.trust(shown.certificate))))
			must(t, err)
			for way, ask := range grpcWays {
				if way == "Serve" && entrance == "a" {
					continue // what a does not host it does not serve
				}
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				var options []grpc.CallOption
				for i, value := range shown.authorized {
					if i == 0 {
						options = append(options, grpc.PerRPCCredentials(perCall(value)))
						continue
					}
					ctx = metadata.AppendToOutgoingContext(ctx, "authorization", value)
				}
				for _, value := range shown.keys {
					ctx = metadata.AppendToOutgoingContext(ctx, "x-api-key", value)
				}
				var header, trailer metadata.MD
				caller, err := ask(ctx, conn, append(options, grpc.Header(&header), grpc.Trailer(&trailer))...)
				cancel()
				got := outcome{caller: caller}
				if err != nil {
					said := status.Convert(err)
					got = outcome{code: connect.Code(said.Code()), text: said.Message()}
					got.reason = cmp.Or(strings.Join(header.Get(mesh.HeaderReason), ","), strings.Join(trailer.Get(mesh.HeaderReason), ","))
				}
				r.judge(t, "grpc-go", way, entrance, shown, got)
			}
			must(t, conn.Close())
		}
	}
	r.settle(t)
}
