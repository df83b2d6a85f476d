package dispatcher

import (
	"context"
	"maps"
	"slices"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/dispatcher/internal/descriptorset"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/origin"
	"github.com/collectiverpc/collective/internal/status"
)

// meshService shows the mesh as this collector sees it. Its methods are those of meshv1connect.MeshServiceHandler.
type meshService struct{ *Dispatcher }

// GetStatus says who this collector is and how it is doing.
func (m meshService) GetStatus(context.Context, *meshv1.GetStatusRequest) (*meshv1.GetStatusResponse, error) {
	records := m.conns.ListConnections()
	return &meshv1.GetStatusResponse{
		CollectorId: m.id,
		Address:     m.address,
		SessionId:   m.session,
		StartedAt:   timestamppb.New(m.started),
		Namespaces:  m.namespaces,
		Store:       &meshv1.StoreStatus{Path: m.options.storePath()},
		Warnings:    m.warnings(),
		Peers:       m.peers(records),
		Version:     m.options.version,
		Limits:      m.LimitTexts(),
		History:     m.recorder.History(),
	}, nil
}

func (m meshService) warnings() []string {
	var warnings []string
	for _, p := range m.conns.Table().Peers() {
		if p.State == collector.ConnectionState_CONNECTION_STATE_STALE || p.State == collector.ConnectionState_CONNECTION_STATE_FAILED {
			warnings = append(warnings, "connection "+p.ConnectionID+" to "+p.ID+" is "+conn.StateName(p.State)+
				": "+p.Reason+" → collector connect "+p.Address)
		}
		if p.Conflict != "" {
			warnings = append(warnings, p.Conflict)
		}
	}
	if trouble := m.recorder.History().GetError(); trouble != "" {
		warnings = append(warnings, "finished calls are not written down: "+trouble)
	}
	return append(append(warnings, m.schemas.Known().Refusals()...), m.described(narrowed{}).hidden...)
}

// peers are those in the table, with what their records have counted.
func (m meshService) peers(records []*collector.Connection) []*meshv1.Peer {
	counted := make(map[string]*collector.Connection, len(records))
	for _, record := range records {
		counted[record.GetId()] = record
	}
	var peers []*meshv1.Peer
	for _, p := range m.conns.Table().Peers() {
		record := counted[p.ConnectionID]
		peers = append(peers, &meshv1.Peer{
			CollectorId: p.ID, ConnectionId: p.ConnectionID, Address: p.Address, State: p.State, Dialed: p.Dialed,
			SharedNamespaces: p.Shared,
			Calls:            record.GetRequestCount(), Errors: record.GetErrorCount(), LastActivity: record.GetLastActivity(),
			RttNanos: p.RTT().Nanoseconds(), Carrier: p.Carrier, Conflict: p.Conflict, SessionId: p.SessionID,
		})
	}
	return peers
}

// ListConnections answers the persisted connections.
func (m meshService) ListConnections(
	_ context.Context, req *meshv1.ListConnectionsRequest,
) (*meshv1.ListConnectionsResponse, error) {
	res := new(meshv1.ListConnectionsResponse)
	begun := req.GetPageToken() == ""
	for _, record := range m.conns.ListConnections() {
		if !m.wanted(req, record) {
			continue
		}
		if begun && req.GetPageSize() > 0 && len(res.Connections) == int(req.GetPageSize()) {
			res.NextPageToken = res.Connections[len(res.Connections)-1].GetId()
			break
		}
		if begun {
			res.Connections = append(res.Connections, record)
		}
		begun = begun || record.GetId() == req.GetPageToken()
	}
	if !begun {
		return nil, connect.Errorf(connect.CodeInvalidArgument, "page_token %q is no connection that is listed: begin again without it", req.GetPageToken())
	}
	return res, nil
}

func (m meshService) wanted(req *meshv1.ListConnectionsRequest, record *collector.Connection) bool {
	peer := record.GetSourceCollectorId()
	if peer == m.id {
		peer = record.GetTargetCollectorId()
	}
	return (req.GetPeerCollectorId() == "" || req.GetPeerCollectorId() == peer) &&
		(len(req.GetStates()) == 0 || slices.Contains(req.GetStates(), record.GetState()))
}

// ListServices answers what can be called through this collector.
func (m meshService) ListServices(_ context.Context, req *meshv1.ListServicesRequest) (*meshv1.ListServicesResponse, error) {
	v := m.view()
	if wanted := req.GetNamespace(); wanted != "" && v.Namespaces[wanted] == nil {
		return nil, v.UnknownNamespace(wanted).Err(m.id)
	}
	res := new(meshv1.ListServicesResponse)
	for _, namespace := range slices.Sorted(maps.Keys(v.Namespaces)) {
		if req.GetNamespace() == "" || req.GetNamespace() == namespace {
			res.Services = append(res.Services, v.Namespaces[namespace].Describe(v.Self)...)
		}
	}
	return res, nil
}

// describe lists the services of a namespace.
// GetDescriptorSet answers the schemas of this collector, or what it knows of those of a peer.
func (m meshService) GetDescriptorSet(
	ctx context.Context, req *meshv1.GetDescriptorSetRequest,
) (*meshv1.GetDescriptorSetResponse, error) {
	if id := req.GetCollectorId(); id != "" && id != m.id {
		return m.peerDescriptorSet(ctx, id, req.GetPageToken())
	}
	return descriptorset.Page(m.files(), m.options.sources, req.GetPageToken(), descriptorset.PageBytes(m.limits.MessageBytes))
}

// ExplainRoute is [Dispatcher.Explain] as an RPC.
func (m meshService) ExplainRoute(_ context.Context, req *meshv1.ExplainRouteRequest) (*meshv1.ExplainRouteResponse, error) {
	return m.Explain(req), nil
}

// ConnectTo dials another collector.
func (m meshService) ConnectTo(ctx context.Context, req *meshv1.ConnectToRequest) (*meshv1.ConnectToResponse, error) {
	if err := m.authorize(ctx); err != nil {
		return nil, err
	}
	res, err := m.Dispatcher.ConnectTo(ctx, req.GetAddress(), req.GetNamespaces())
	if err != nil {
		return nil, status.Reauthor(err)
	}
	return &meshv1.ConnectToResponse{Connection: m.record(res.GetConnectionId())}, nil
}

// Disconnect closes a connection for good.
func (m meshService) Disconnect(ctx context.Context, req *meshv1.DisconnectRequest) (*meshv1.DisconnectResponse, error) {
	if err := m.authorize(ctx); err != nil {
		return nil, err
	}
	if err := m.conns.Disconnect(ctx, req.GetConnectionId(), req.GetReason(), false); err != nil {
		return nil, status.Reauthor(err)
	}
	return &meshv1.DisconnectResponse{Connection: m.record(req.GetConnectionId())}, nil
}

func (m meshService) record(id string) *collector.Connection {
	for _, record := range m.conns.ListConnections() {
		if record.GetId() == id {
			return record
		}
	}
	return nil
}

// authorize lets those change connections whom WithAdmin allows or, without it, clients on this machine.
func (d *Dispatcher) authorize(ctx context.Context) error {
	if d.options.admin != nil {
		return d.options.admin(ctx)
	}
	if origin.ThisMachine(ctx) {
		return nil
	}
	return connect.NewError(connect.CodePermissionDenied,
		"connections of collector "+refusal.Quoted(d.id)+" are changed from its own machine only; call it there, or start it with an authorisation")
}

// Explain says which collector would run a call and why. It is the router's own verdict; no call is made. Where equal
// peers take turns, one of them is named first as for the next call.
func (d *Dispatcher) Explain(req *meshv1.ExplainRouteRequest) *meshv1.ExplainRouteResponse {
	v := d.view()
	res := &meshv1.ExplainRouteResponse{Namespace: req.GetNamespace()}
	procedure, refused := v.ExplainName(req)
	if refused == nil {
		res.Namespace, res.Procedure = procedure.Namespace, procedure.Procedure
		var decided routing.Decision
		decided, res.Candidates = routing.Explain(v, procedure, d.pipeline.Balance())
		refused = decided.Refusal
		res.ChosenCollectorId = decided.Chosen(v.Self)
	}
	if refused != nil {
		res.Code, res.Reason, res.Message = refused.Code.String(), string(refused.Reason), refused.Message
		if res.Candidates == nil && refused.Looked != nil {
			res.Candidates = refused.Looked.All()
		}
	}
	return res
}
