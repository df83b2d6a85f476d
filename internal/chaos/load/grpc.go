package load

import (
	"context"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/status"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	chaosv1 "github.com/collectiverpc/collective/internal/chaos/gen/chaos/v1"
	"github.com/collectiverpc/collective/internal/chaos/ledger"
	"github.com/collectiverpc/collective/mesh"
)

// grpcClient is grpc-go, which balances over the fronts itself.
type grpcClient struct {
	conn  *grpc.ClientConn
	names map[string]string // of fronts, by address
}

func newGRPC(fronts []Front) (client, error) {
	names := make(map[string]string)
	addresses := resolver.State{}
	for _, f := range fronts {
		names[f.Address] = f.Name
		addresses.Addresses = append(addresses.Addresses, resolver.Address{Addr: f.Address})
	}
	fixed := manual.NewBuilderWithScheme("fronts")
	fixed.InitialState(addresses)
	retry := backoff.DefaultConfig
	retry.BaseDelay, retry.MaxDelay = 50*time.Millisecond, 200*time.Millisecond
	conn, err := grpc.NewClient("fronts:///all", grpc.WithResolvers(fixed), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig": [{"round_robin": {}}]}`),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: retry, MinConnectTimeout: time.Second}))
	if err != nil {
		return nil, err
	}
	return &grpcClient{conn, names}, nil
}

func (g *grpcClient) call(ctx context.Context, c call) ledger.Outcome {
	if c.target != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, mesh.HeaderTarget, c.target)
	}
	var to peer.Peer
	var err error
	o := ledger.Outcome{Client: "grpc-go"}
	if c.write {
		out := new(chaosv1.WriteResponse)
		err = g.conn.Invoke(ctx, writePath, &chaosv1.WriteRequest{Id: c.id, WorkMs: uint32(c.work.Milliseconds())}, out, grpc.Peer(&to))
		o.Answered = out.GetId()
	} else {
		out := new(chaosv1.ReadResponse)
		err = g.conn.Invoke(ctx, readPath, &chaosv1.ReadRequest{Id: c.id, WorkMs: uint32(c.work.Milliseconds())}, out, grpc.Peer(&to))
		o.Answered = out.GetId()
	}
	if address, ok := to.Addr.(*net.TCPAddr); ok {
		o.Front = g.names[address.String()]
	}
	if err != nil {
		failure(&o, err)
	}
	return o
}

func failure(o *ledger.Outcome, err error) {
	st := status.Convert(err)
	o.Code, o.Message = codeNames[st.Code()], st.Message()
	for _, detail := range st.Details() {
		if failed, ok := detail.(*meshv1.CallFailure); ok {
			o.Reason, o.DidNotRun = failed.GetReason(), !failed.GetMaybeExecuted()
		}
	}
}

func (g *grpcClient) close() { _ = g.conn.Close() }
