package meshservice

import (
	"context"
	"crypto/ed25519"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/dispatcher/internal/authz"
	"github.com/collectiverpc/collective/dispatcher/internal/describe"
	"github.com/collectiverpc/collective/dispatcher/internal/peerschema"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/descriptor"
	"github.com/collectiverpc/collective/internal/observe"
)

// Connections are the connections of a collector, as [conn.Manager] has them.
type Connections interface {
	// Table is the peers of the moment.
	Table() *conn.Table
	// Changed returns a channel that is closed when there is another table.
	Changed() <-chan struct{}
	// ListConnections are the records of all connections.
	ListConnections() []*collector.Connection
	// ConnectTo dials a collector and offers it namespaces.
	ConnectTo(ctx context.Context, address string, namespaces []string) (*collector.ConnectResponse, error)
	// Disconnect closes a connection.
	Disconnect(ctx context.Context, connectionID, reason string, failed bool) error
	// Prune forgets connections that are over.
	Prune(ctx context.Context, olderThan time.Duration, keep int) ([]*collector.Connection, error)
	// Key is the key of the collector, and whether it ends with this run.
	Key() (key ed25519.PublicKey, ephemeral bool)
	// KnownKeys are those by which it knows others.
	KnownKeys() []conn.KnownKey
	// ForgetKey forgets one of them.
	ForgetKey(ctx context.Context, collectorID string) (conn.KnownKey, error)
	// Links says how links are authenticated.
	Links() []string
}

// Config is what the service shows, and changes.
type Config struct {
	ID, Address, Session, Version string
	Namespaces                    []string // sorted
	Started                       time.Time

	Connections Connections
	Schemas     *peerschema.Learner
	Describer   *describe.Describer
	Recorder    *observe.Recorder
	View        func() *routing.View
	Balance     func() routing.Balance
	Sources     *descriptor.Sources // with comments; nil for none
	PageBytes   int                 // of a set of files, in one answer
	Limits      func() map[string]string
	Store       func() *meshv1.StoreStatus
	Warnings    []func() []string // of the program around it, and of what it reads from files
	Access      *authz.Authorizer // decides the calls that are explained; who may ask is decided before
}

// Service shows the mesh as a collector sees it. Its methods are those of meshv1connect.MeshServiceHandler, and are safe
// for concurrent use.
type Service struct{ Config }

// New makes the service.
func New(config Config) *Service { return &Service{config} }

// GetStatus says who this collector is and how it is doing.
func (s *Service) GetStatus(context.Context, *meshv1.GetStatusRequest) (*meshv1.GetStatusResponse, error) {
	records := s.Connections.ListConnections()
	return &meshv1.GetStatusResponse{
		CollectorId: s.ID,
		Address:     s.Address,
		SessionId:   s.Session,
		StartedAt:   timestamppb.New(s.Started),
		Namespaces:  s.Namespaces,
		Store:       s.Store(),
		Warnings:    s.warnings(),
		Peers:       s.peers(records),
		Version:     s.Version,
		Limits:      s.Limits(),
		History:     s.Recorder.History(),
		Links:       s.Connections.Links(),
		Callers:     s.Access.Lines(),
	}, nil
}

// warnings are what a person should look at, each with what to do where that is known: what the program says and what files
// cannot be used, connections that are lost or not in use yet or any more, two collectors of one id, a history that is not
// written, and schemas that are refused or hidden. Their order is fixed.
func (s *Service) warnings() []string {
	var warnings []string
	for _, of := range s.Warnings {
		warnings = append(warnings, of()...)
	}
	if trouble := s.Store().GetError(); trouble != "" {
		warnings = append(warnings, "the store: "+trouble)
	}
	for _, p := range s.Connections.Table().Peers() {
		if p.State == collector.ConnectionState_CONNECTION_STATE_STALE || p.State == collector.ConnectionState_CONNECTION_STATE_FAILED {
			warnings = append(warnings, "connection "+p.ConnectionID+" to "+p.ID+" is "+conn.StateName(p.State)+
				": "+p.Reason+" → collector connect "+p.Address)
		} else if p.Away {
			// It is stopping, or was not heard yet. Nothing is lost, but who looks at this moment sees a link without calls and
			// has to be told why.
			warnings = append(warnings, "collector "+p.ID+" is linked and gets no calls: "+p.Reason)
		}
		if p.Conflict != "" {
			warnings = append(warnings, p.Conflict)
		}
	}
	warnings = append(append(warnings, s.avoided()...), s.strangers()...)
	if trouble := s.Recorder.History().GetError(); trouble != "" {
		warnings = append(warnings, "finished calls are not written down: "+trouble)
	}
	return append(append(warnings, s.Schemas.Known().Refusals()...), s.Describer.Describe(describe.Filter{}).Hidden...)
}

// avoided are the peers that calls avoid although they can be called, a warning each.
func (s *Service) avoided() []string {
	var warnings []string
	avoided := s.View().Avoided(s.Balance().Now)
	for _, id := range slices.Sorted(maps.Keys(avoided)) {
		warnings = append(warnings, "calls avoid collector "+id+": "+strings.Join(avoided[id], "; ")+" → collector top")
	}
	return warnings
}

// strangers are the refused keys under the ids of collectors that are no peers now, a warning each: those of peers are told
// with them.
func (s *Service) strangers() []string {
	var warnings []string
	table := s.Connections.Table()
	for _, known := range s.Connections.KnownKeys() {
		if _, isPeer := table.Peer(known.CollectorID); !isPeer && known.Refused != "" {
			warnings = append(warnings, known.Refused)
		}
	}
	return warnings
}

// peers are those in the table, with what their records have counted.
// A peer without a record has the counts of zero: the getters of a nil record answer that.
func (s *Service) peers(records []*collector.Connection) []*meshv1.Peer {
	counted := make(map[string]*collector.Connection, len(records))
	for _, record := range records {
		counted[record.GetId()] = record
	}
	var peers []*meshv1.Peer
	avoided := s.View().Avoided(s.Balance().Now)
	for _, p := range s.Connections.Table().Peers() {
		record := counted[p.ConnectionID]
		peers = append(peers, &meshv1.Peer{
			CollectorId: p.ID, ConnectionId: p.ConnectionID, Address: p.Address, State: p.State, Dialed: p.Dialed,
			SharedNamespaces: p.Shared,
			Calls:            record.GetRequestCount(), Errors: record.GetErrorCount(), LastActivity: record.GetLastActivity(),
			RttNanos: p.RTT().Nanoseconds(), Carrier: p.Carrier, Conflict: p.Conflict, SessionId: p.SessionID, Proof: string(p.Proof),
			Avoided: avoided[p.ID],
		})
	}
	return peers
}

// ListServices answers what can be called through this collector.
// Services whose methods cannot be called now are among them. A namespace that this collector does not have is an error
// rather than an empty list: it is most often misspelt.
func (s *Service) ListServices(_ context.Context, req *meshv1.ListServicesRequest) (*meshv1.ListServicesResponse, error) {
	v := s.View()
	if wanted := req.GetNamespace(); wanted != "" && v.Namespaces[wanted] == nil {
		return nil, v.UnknownNamespace(wanted).Err(s.ID)
	}
	res := new(meshv1.ListServicesResponse)
	for _, namespace := range slices.Sorted(maps.Keys(v.Namespaces)) {
		if req.GetNamespace() == "" || req.GetNamespace() == namespace {
			res.Services = append(res.Services, v.Namespaces[namespace].Describe(v.Self)...)
		}
	}
	return res, nil
}
