package cli

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
)

// session is the connection of one command to one collector.
type session struct {
	app        *app
	base       *url.URL
	http       *http.Client
	witness    *witness
	options    []connecthttp.Option
	client     *connect.Client
	known      *schema // of the method that is called; nil before it is known
	mesh       meshv1connect.MeshServiceClient
	dispatcher collectorconnect.CollectiveDispatcherClient
	registry   collectorconnect.CollectorRegistryClient
	started    time.Time
}

// withSession runs ask against the collector that the flags name, within --timeout, and explains its errors.
func (a *app) withSession(ctx context.Context, ask func(context.Context, *session) error) error {
	s, err := a.newSession()
	if err != nil {
		return err
	}
	defer s.http.CloseIdleConnections()
	limited, cancel := a.limited(ctx)
	defer cancel()
	return s.explain(ctx, ask(limited, s))
}

// limited is ctx within --timeout, of which 0 is none.
func (a *app) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	if a.flags.timeout == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, a.flags.timeout)
}

func (a *app) newSession() (*session, error) {
	base, err := parseServer(a.flags.server)
	if err != nil {
		return nil, err
	}
	w := new(witness)
	if w.next, err = a.httpTransport(base, &w.heard); err != nil {
		return nil, err
	}
	s := &session{app: a, base: base, witness: w, started: time.Now()}
	if a.flags.debug {
		s.witness.trace = a.io.Err
	}
	s.http = &http.Client{Transport: s.witness, CheckRedirect: noRedirect}
	s.options = protocolOptions(a.flags.protocol)
	s.client = connect.NewClient(s.transport(), a.addHeaders)
	s.mesh = meshv1connect.NewMeshServiceClient(s.client)
	s.dispatcher = collectorconnect.NewCollectiveDispatcherClient(s.client)
	s.registry = collectorconnect.NewCollectorRegistryClient(s.client)
	return s, nil
}

func (s *session) transport() connect.Transport {
	return connecthttp.NewTransport(s.http, s.base.String(), s.options...)
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// parseServer takes a URL or host:port.
func parseServer(text string) (*url.URL, error) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	base, err := url.Parse(text)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, usagef("--server %q: want a URL such as %s", text, defaultServer)
	}
	base.Path = strings.TrimSuffix(base.Path, "/")
	return base, nil
}

func protocolOptions(protocol string) []connecthttp.Option {
	switch protocol {
	case connect.ProtocolNameGRPC:
		return []connecthttp.Option{connecthttp.WithGRPC()}
	case connect.ProtocolNameGRPCWeb:
		return []connecthttp.Option{connecthttp.WithGRPCWeb()}
	}
	return nil
}

// addHeaders puts the -H headers on every request.
func (a *app) addHeaders(next connect.ClientFunc) connect.ClientFunc {
	return func(ctx context.Context, spec connect.Spec) (connect.ClientStream, error) {
		headers, err := a.headers()
		if err != nil {
			return nil, err
		}
		if info, ok := connect.CallInfoForClientContext(ctx); ok {
			for _, h := range headers {
				info.RequestHeader().Add(h.name, h.value)
			}
		}
		return next(ctx, spec)
	}
}
