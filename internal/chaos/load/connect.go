package load

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync/atomic"

	"connectrpc.com/connect"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	chaosv1 "github.com/collectiverpc/collective/internal/chaos/gen/chaos/v1"
	"github.com/collectiverpc/collective/internal/chaos/ledger"
	"github.com/collectiverpc/collective/mesh"
)

// codeNames are those of Connect.
var codeNames = func() map[codes.Code]string {
	names := make(map[codes.Code]string)
	for c := connect.CodeCanceled; c <= connect.CodeUnauthenticated; c++ {
		names[codes.Code(c)] = c.String()
	}
	return names
}()

// connectClient is connect-go, version 1.
type connectClient struct {
	name   string
	http   *http.Client
	fronts []*connectFront
	next   atomic.Uint32
}

// maxConns is how many connections of HTTP/1.1 a client has to a front: a collector takes 64 of an address that has not said
// who it is.
const maxConns = 48

type connectFront struct {
	name  string
	read  *connect.Client[chaosv1.ReadRequest, chaosv1.ReadResponse]
	write *connect.Client[chaosv1.WriteRequest, chaosv1.WriteResponse]
}

func newConnect(fronts []Front, http2 bool) client {
	transport := &http.Transport{MaxIdleConnsPerHost: maxConns, MaxConnsPerHost: maxConns, Protocols: new(http.Protocols)}
	c := &connectClient{name: "connect-go", http: &http.Client{Transport: transport}}
	if transport.Protocols.SetHTTP1(!http2); http2 {
		transport.MaxConnsPerHost = 0
		transport.Protocols.SetUnencryptedHTTP2(true)
		c.name = "connect-go-h2"
	}
	for _, f := range fronts {
		url := "http://" + f.Address
		c.fronts = append(c.fronts, &connectFront{
			f.Name,
			connect.NewClient[chaosv1.ReadRequest, chaosv1.ReadResponse](c.http, url+readPath),
			connect.NewClient[chaosv1.WriteRequest, chaosv1.WriteResponse](c.http, url+writePath),
		})
	}
	return c
}

// call asks the fronts in turn, and another one only if one cannot be dialled.
func (c *connectClient) call(ctx context.Context, k call) (o ledger.Outcome) {
	first := int(c.next.Add(1))
	for i := range c.fronts {
		front := c.fronts[(first+i)%len(c.fronts)]
		answered, err := front.call(ctx, k)
		o = ledger.Outcome{Client: c.name, Front: front.name, Answered: answered}
		if err == nil {
			return o
		}
		connectFailure(&o, err)
		if failed, ok := errors.AsType[*net.OpError](err); !ok || failed.Op != "dial" {
			return o
		}
	}
	return o
}

func (f *connectFront) call(ctx context.Context, c call) (answered uint64, err error) {
	if c.write {
		res, err := unary(ctx, f.write, &chaosv1.WriteRequest{Id: c.id, WorkMs: uint32(c.work.Milliseconds())}, c.target)
		return res.GetId(), err
	}
	res, err := unary(ctx, f.read, &chaosv1.ReadRequest{Id: c.id, WorkMs: uint32(c.work.Milliseconds())}, c.target)
	return res.GetId(), err
}

func unary[Req, Res any](ctx context.Context, c *connect.Client[Req, Res], message *Req, target string) (*Res, error) {
	req := connect.NewRequest(message)
	if target != "" {
		req.Header().Set(mesh.HeaderTarget, target)
	}
	res, err := c.CallUnary(ctx, req)
	if err != nil {
		return nil, err
	}
	return res.Msg, nil
}

func connectFailure(o *ledger.Outcome, err error) {
	o.Code, o.Message = connect.CodeOf(err).String(), err.Error()
	if !connect.IsWireError(err) && connect.CodeOf(err) != connect.CodeDeadlineExceeded {
		o.Code = connect.CodeUnavailable.String() // the client calls a connection that broke canceled
	}
	coded, ok := errors.AsType[*connect.Error](err)
	if !ok {
		return
	}
	for _, detail := range coded.Details() {
		failed := new(meshv1.CallFailure)
		if detail.Type() == string(failed.ProtoReflect().Descriptor().FullName()) && proto.Unmarshal(detail.Bytes(), failed) == nil {
			o.Reason, o.DidNotRun = failed.GetReason(), !failed.GetMaybeExecuted()
		}
	}
}

func (c *connectClient) close() { c.http.CloseIdleConnections() }
