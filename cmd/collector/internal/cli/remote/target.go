package remote

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
)

// Target is the collector that is asked, and how. Its fields are set before the first use.
type Target struct {
	Server   string        // URL, or host:port
	Protocol string        // of Protocols
	Timeout  time.Duration // for one command that does not watch; 0 for no bound
	Headers  []string      // 'Name: value' each
	Certificates
	Credentials
	Trace io.Writer // gets requests and responses; nil for nobody
	Env   func(string) string
}

// Check refuses what no command could use, except files of certificates.
func (t *Target) Check() error {
	if !slices.Contains(Protocols, t.Protocol) {
		return failure.Usagef("--protocol %s is unknown: want %s", t.Protocol, strings.Join(Protocols, ", "))
	}
	if t.Timeout < 0 {
		return failure.Usagef("--timeout %v: want a duration such as 10s, or 0 for none", t.Timeout)
	}
	_, err := parseHeaders(t.Headers)
	return err
}

// Limited is ctx within the timeout.
func (t *Target) Limited(ctx context.Context) (context.Context, context.CancelFunc) {
	if t.Timeout == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, t.Timeout)
}

// Open makes a session. It connects with the first call. The caller closes it.
func (t *Target) Open() (*Session, error) {
	way, err := findWay(context.Background(), t.Server, t.Cert != "" || t.shown(t.Env, t.Headers))
	if err != nil {
		return nil, err
	}
	config, err := t.TLS()
	if err != nil {
		return nil, err
	}
	headers, err := parseHeaders(t.Headers)
	if err != nil {
		return nil, err
	}
	who, err := t.identify(t.Env, way)
	if err != nil {
		return nil, err
	}
	recorded := &recordingTransport{trace: t.Trace}
	recorded.next = newTransport(way, t.Protocol, config, &recorded.heard)
	s := &Session{
		explainer: explainer{way: way, recorded: recorded, timeout: t.Timeout, env: t.Env, started: time.Now()},
		reach:     way,
		tls:       config,
		headers:   headers,
		who:       who,
		http:      &http.Client{Transport: recorded, CheckRedirect: noRedirect},
	}
	s.client = s.over(t.Protocol)
	s.Mesh = meshv1connect.NewMeshServiceClient(s.client)
	s.Dispatcher = collectorconnect.NewCollectiveDispatcherClient(s.client)
	s.Operator = meshv1connect.NewOperatorServiceClient(s.client)
	s.Registry = collectorconnect.NewCollectorRegistryClient(s.client)
	return s, nil
}

// Ask runs ask within the timeout, and explains its errors.
func (t *Target) Ask(ctx context.Context, ask func(context.Context, *Session) error) error {
	s, err := t.Open()
	if err != nil {
		return err
	}
	defer s.Close()
	limited, cancel := t.Limited(ctx)
	defer cancel()
	return s.Explain(ctx, ask(limited, s))
}

// Watch hands on what a collector tells of, without a bound in time, until ctx is done: the user has seen enough, which is no
// failure.
func (t *Target) Watch(ctx context.Context, req *meshv1.WatchRequest, each func(*meshv1.WatchResponse) error) error {
	s, err := t.Open()
	if err != nil {
		return err
	}
	defer s.Close()
	stream, err := s.Mesh.Watch(ctx, req)
	if err != nil {
		return s.Explain(ctx, err)
	}
	defer stream.Close()
	for {
		event, err := stream.Receive()
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, io.EOF) {
			return failure.Newf("the collector ended the stream")
		}
		if err != nil {
			return s.Explain(ctx, err)
		}
		if err := each(event); err != nil {
			return err
		}
	}
}
