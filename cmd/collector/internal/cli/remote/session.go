package remote

import (
	"context"
	"crypto/tls"
	"net/http"
	"slices"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/schema"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
)

// Session is the connection of one command to one collector. Calls may be made from several goroutines, after
// [Session.Learn] and [Session.CallClient].
type Session struct {
	Mesh       meshv1connect.MeshServiceClient
	Dispatcher collectorconnect.CollectiveDispatcherClient
	Registry   collectorconnect.CollectorRegistryClient
	Operator   meshv1connect.OperatorServiceClient

	explainer
	reach
	tls     *tls.Config
	headers []header
	who     []header // says who the user is; no metadata of a method
	http    *http.Client
	client  *connect.Client
}

// URL is where the collector is asked.
func (s *Session) URL() string { return s.reach.String() }

// Metadata is what the user gives a method along, for calls in an envelope; others have it as headers.
func (s *Session) Metadata() map[string]string { return headerMap(s.headers) }

// Learn keeps the schema of the method that is called, by which the details of its errors are read.
func (s *Session) Learn(known *schema.Set) { s.known = known }

// Close closes the connections that are not in use.
func (s *Session) Close() { s.http.CloseIdleConnections() }

// over is a client of the collector by a protocol.
func (s *Session) over(protocol string) *connect.Client {
	transport := connecthttp.NewTransport(s.http, s.asked.String(), protocolOptions(protocol)...)
	return connect.NewClient(transport, addHeaders(slices.Concat(s.headers, s.who)))
}

// MeshOver is MeshService by another protocol than the session's.
func (s *Session) MeshOver(protocol string) meshv1connect.MeshServiceClient {
	return meshv1connect.NewMeshServiceClient(s.over(protocol))
}

// CallClient is a client for methods of any service. A bidirectional call needs HTTP/2, which the session then changes to.
func (s *Session) CallClient(bidirectional bool) *connect.Client {
	if !bidirectional || s.asked.Scheme == "https" {
		return s.client
	}
	s.http.CloseIdleConnections()
	s.recorded.next = newTransport(s.reach, connect.ProtocolNameGRPC, s.tls, &s.recorded.heard)
	return s.client
}

// ConsoleURL is where the collector shows itself to browsers.
func (s *Session) ConsoleURL(ctx context.Context) (string, error) {
	const path = "/console/"
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, s.asked.String()+path, nil)
	if err != nil {
		return "", failure.Newf("%v", err)
	}
	direct := &http.Client{Transport: s.recorded.next, CheckRedirect: noRedirect} // a page is no answer to explain errors by
	res, err := direct.Do(req)
	if err != nil {
		return "", connect.NewError(connect.CodeUnavailable, RootCause(err))
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return "", failure.Newf("the collector at %s shows no console", s.base).Hint("collector serve --console full     # or readonly")
	}
	return s.base.String() + path, nil
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
