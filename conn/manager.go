package conn

import (
	"context"
	"net/http"
	"sync/atomic"

	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// Self is the collector that owns a [Manager].
type Self struct {
	// ID is its collector id. Required.
	ID string
	// Address is where it tells others that it can be found, host:port; empty for a collector without a listener.
	Address string
	// Namespaces are what it offers to peers. A collector that only calls others needs none.
	Namespaces []string
	// SessionID is unique per run of the process. Default: a new UUIDv7.
	SessionID string
}

// Manager keeps the connections of one collector. All methods are safe for concurrent use.
type Manager struct {
	table atomic.Pointer[Table]
}

func NewManager(self Self, opts ...Option) (*Manager, error) { return nil, errTODO }

func (m *Manager) ConnectTo(ctx context.Context, address string, namespaces []string) (*collector.ConnectResponse, error) {
	return nil, errTODO
}

func (m *Manager) HandleConnect(ctx context.Context, req *collector.ConnectRequest) (*collector.ConnectResponse, error) {
	return nil, errTODO
}

func (m *Manager) Disconnect(ctx context.Context, connectionID, reason string, failed bool) error {
	return errTODO
}

func (m *Manager) ListConnections() []*collector.Connection { return nil }

func (m *Manager) ListActiveConnections() []*ActiveConnection { return nil }

func (m *Manager) GetActiveConnection(connectionID string) (*ActiveConnection, bool) {
	return nil, false
}

func (m *Manager) GetClient(address string) (collectorconnect.CollectiveDispatcherClient, bool) {
	return nil, false
}

func (m *Manager) RecordRequest(ctx context.Context, connectionID string, bytesSent, bytesReceived int64) {
}

func (m *Manager) RecoverFromRestart(ctx context.Context) error { return errTODO }

func (m *Manager) CloseAll() {}

func (m *Manager) Shutdown(ctx context.Context) error { return errTODO }

func (m *Manager) ServeHTTP(w http.ResponseWriter, r *http.Request) {}

func (m *Manager) Announce(catalog *meshv1.Catalog) {}

func (m *Manager) Table() *Table { return m.table.Load() }

func (m *Manager) Changed() <-chan struct{} { return nil }
