package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/collectiverpc/collective/conn/carrier"
	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// announcer is a peer without a dispatcher: it writes its catalogs itself, so that a large one costs it next to nothing.
type announcer struct {
	*link.Link
	served   atomic.Int64
	revision uint64
	taken    chan struct{} // has something when the target has taken what was announced
}

// newAnnouncer links with a target under an id, and agrees on a namespace.
func newAnnouncer(ctx context.Context, id string, t *Target, namespace string) (*announcer, error) {
	stream, err := carrier.DialUpgrade(ctx, &net.Dialer{}, t.Address, nil)
	if err != nil {
		return nil, err
	}
	n := &announcer{taken: make(chan struct{}, 1)}
	n.Link, err = link.Client(ctx, stream, link.Config{
		Hello: link.Hello{CollectorID: id, SessionID: id + "-1"}, Logger: slog.New(slog.DiscardHandler),
		Handler: func(context.Context, string, *connect.CallInfo, connect.ServerStream) error {
			n.served.Add(1)
			return nil
		},
		OnTaken: func(*link.Link, uint64, bool) { n.taken <- struct{}{} },
	})
	if err != nil {
		return nil, err
	}
	client := collectorconnect.NewCollectiveDispatcherClient(connect.NewClient(n.Transport("")))
	_, err = client.Connect(ctx, &collector.ConnectRequest{
		Address: "127.0.0.1:1", Namespaces: []string{namespace}, Metadata: map[string]string{"collector_id": id},
	})
	if err != nil {
		n.Close("not agreed")
		return nil, fmt.Errorf("agreeing: %w", err)
	}
	return n, nil
}

// announce announces an encoded catalog under the next revision, as soon as it may: who does not wait loses its link. A number
// that comes twice counts as it comes last.
func (n *announcer) announce(ctx context.Context, encoded []byte) error {
	if n.revision++; n.revision > 1 {
		select {
		case <-n.taken:
		case <-n.Done():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	encoded = protowire.AppendVarint(protowire.AppendTag(bytes.Clone(encoded), 1, protowire.VarintType), n.revision)
	return n.Announce(n.revision, encoded)
}

// called tells whether calls of a method at a target reach this peer.
func (n *announcer) called(ctx context.Context, t *Target, procedure string) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	before := n.served.Load()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URL+procedure, http.NoBody)
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/proto")
	if res, err := new(http.Client).Do(req); err == nil {
		_ = res.Body.Close()
	}
	return n.served.Load() > before
}

// bigCatalog is a catalog of many methods in a namespace, encoded, and one of them. The names are short: a catalog has at
// most 4 MiB.
func bigCatalog(namespace string, methods int, seed string) (encoded []byte, procedure string, err error) {
	catalog := new(meshv1.Catalog)
	for i := range methods {
		procedure = fmt.Sprintf("/b.S%d/M%d%s", i/500, i%500, seed)
		catalog.Methods = append(catalog.Methods, &meshv1.CatalogMethod{
			Namespace: namespace, Procedure: procedure, InputType: "b.I", OutputType: "b.O",
		})
	}
	encoded, err = proto.Marshal(catalog)
	return encoded, procedure, err
}
