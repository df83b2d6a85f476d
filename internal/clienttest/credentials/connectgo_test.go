package credentials_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/internal/meshtest"
	"github.com/collectiverpc/collective/mesh"
)

// outcome is what a client got: the caller that the handler saw, or a refusal.
type outcome struct {
	caller string
	code   connect.Code
	text   string
	reason string
}

func refusedBy(err error) outcome {
	failure, ok := errors.AsType[*connect.Error](err)
	if !ok {
		return outcome{code: connect.CodeUnknown, text: err.Error()}
	}
	return outcome{code: failure.Code(), text: failure.Message(), reason: string(mesh.ReasonOf(err))}
}

// The ways of connect-go, by their names. Those that end at the collector that is asked are in herald.
var connectWays = map[string]func(context.Context, *connect.Client) (caller string, err error){
	"unary": func(ctx context.Context, c *connect.Client) (string, error) {
		res, err := testingv1connect.NewEchoServiceClient(c).Echo(ctx, &testingv1.EchoRequest{})
		return res.GetText(), err
	},
	"read": func(ctx context.Context, c *connect.Client) (string, error) {
		res, err := testingv1connect.NewEchoServiceClient(c).Look(ctx, &testingv1.LookRequest{})
		return res.GetText(), err
	},
	"server stream": func(ctx context.Context, c *connect.Client) (string, error) {
		stream, err := testingv1connect.NewEchoServiceClient(c).Count(ctx, &testingv1.CountRequest{Limit: 1})
		if err != nil {
			return "", err
		}
		defer stream.Close()
		_, err = stream.Receive()
		info, _ := connect.CallInfoForClientContext(ctx)
		return info.ResponseHeader().Get(callerHeader), err
	},
	"bidi": func(ctx context.Context, c *connect.Client) (string, error) {
		stream, err := testingv1connect.NewEchoServiceClient(c).Converse(ctx)
		if err != nil {
			return "", err
		}
		defer stream.Close()
		_ = stream.Send(&testingv1.ConverseRequest{}) // why it fails is Receive's to say
		res, err := stream.Receive()
		return res.GetText(), err
	},
	"Dispatch": func(ctx context.Context, c *connect.Client) (string, error) {
		res, err := collectorconnect.NewCollectiveDispatcherClient(c).Dispatch(ctx, &collector.DispatchRequest{
			Namespace: namespace, Service: &collector.ServiceTypeRef{ServiceName: "EchoService"}, MethodName: "Echo", Input: question(),
		})
		return unpacked(res.GetOutput(), err)
	},
	"Serve": func(ctx context.Context, c *connect.Client) (string, error) {
		res, err := collectorconnect.NewCollectiveDispatcherClient(c).Serve(ctx, &collector.ServeRequest{
			Namespace: namespace, Service: &collector.ServiceTypeRef{ServiceName: "EchoService"}, MethodName: "Echo", Input: question(),
		})
		return unpacked(res.GetOutput(), err)
	},
}

func question() *anypb.Any {
	packed, _ := anypb.New(&testingv1.EchoRequest{}) // an empty message encodes
	return packed
}

func unpacked(output *anypb.Any, err error) (string, error) {
	if err != nil {
		return "", err
	}
	res := new(testingv1.EchoResponse)
	err = output.UnmarshalTo(res)
	return res.GetText(), err
}

// connect-go over each of its protocols.
func TestConnectGo(t *testing.T) {
	r := newRig(t)
	for name, options := range map[string][]connecthttp.Option{
		"Connect": {connecthttp.WithHTTPGet()}, "gRPC": {connecthttp.WithGRPC()}, "gRPC-Web": {connecthttp.WithGRPCWeb()},
	} {
		for _, shown := range append(r.goodOnes(t), r.badOnes(t)...) {
			browser := r.browser(t, shown.certificate)
			for entrance, c := range map[string]*host{"a": r.a, "b": r.b} {
				client := connect.NewClient(connecthttp.NewTransport(browser, "https://"+c.Address, options...))
				for way, ask := range connectWays {
					if way == "Serve" && entrance == "a" || way == "bidi" && name == "gRPC-Web" {
						continue // what a does not host it does not serve; gRPC-Web has no stream both ways
					}
					ctx, info := connect.NewClientContext(t.Context())
					for _, value := range shown.authorized {
						info.RequestHeader().Add("Authorization", value)
					}
					for _, value := range shown.keys {
						info.RequestHeader().Add("X-Api-Key", value)
					}
					caller, err := ask(ctx, client)
					got := outcome{caller: caller}
					if err != nil {
						got = refusedBy(err)
					}
					r.judge(t, "connect-go, "+name, way, entrance, shown, got)
				}
			}
		}
	}
	r.settle(t)
}

// A certificate that TLS refuses ends the connection, and is audited: one of a clock that is 5 min off, and one of another authority.
func TestCertificatesThatTLSRefuses(t *testing.T) {
	r := newRig(t)
	late := r.authority.Issue(t, -5*time.Minute, "spiffe://"+meshtest.TrustDomain+"/user/carol")
	foreign := meshtest.NewAuthority(t).Issue(t, time.Hour, "spiffe://"+meshtest.TrustDomain+"/user/carol")
	for words, shown := range map[string]*tls.Certificate{"clocks of both sides": &late, "no authority that this collector trusts": &foreign} {
		trust := r.trust(nil)
		// It is shown although the collector asks for those of its own authority.
		trust.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return shown, nil }
		transport := &http.Transport{TLSClientConfig: trust, ForceAttemptHTTP2: true}
		defer transport.CloseIdleConnections()
		client := connect.NewClient(connecthttp.NewTransport(&http.Client{Transport: transport}, "https://"+r.b.Address))
		if caller, err := connectWays["unary"](t.Context(), client); err == nil || connect.CodeOf(err) != connect.CodeUnavailable {
			t.Errorf("%s: a call of %q: %v", words, caller, err)
		}
		for deadline := time.After(meshtest.Patience); ; {
			if slices.ContainsFunc(r.b.events(), func(e access.Event) bool {
				return e.Action == access.ActionAuthenticate && !e.Allowed && strings.Contains(e.Reason, words)
			}) {
				break
			}
			select {
			case <-deadline:
				t.Fatalf("nothing is audited of %q", words)
			case <-time.After(time.Millisecond): // the server logs what it refused behind the client's back
			}
		}
	}
}
