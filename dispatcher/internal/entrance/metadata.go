package entrance

import (
	"context"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher/internal/call"
	"github.com/collectiverpc/collective/dispatcher/internal/header"
	"github.com/collectiverpc/collective/mesh"
)

// metadata carries headers between an envelope RPC and the handler it stands for.
type metadata struct {
	outer   *connect.CallInfo // of the Serve or Dispatch RPC; nil when they are called as Go methods
	named   []string          // namespaces in the headers of the RPC
	info    connect.CallInfo  // of the handler
	request call.Request      // the call of the envelope, which has info
}

// newMetadata collects the request headers for the handler: those of the RPC, and the hints of the envelope, by which the
// seed's clients pass headers. Credentials are among them: the envelope came to this collector as any call does.
func newMetadata(ctx context.Context, hints map[string]string) *metadata {
	m := new(metadata)
	m.request.Info = &m.info
	if outer, ok := connect.CallInfoForServerContext(ctx); ok {
		m.outer, m.named = outer, outer.RequestHeader().Values(mesh.HeaderNamespace)
		m.info.PeerAddr, m.info.Protocol, m.info.TransportInfo = outer.PeerAddr, outer.Protocol, outer.TransportInfo
		header.CopyRequest(m.info.RequestHeader(), outer.RequestHeader(), true, true)
	}
	m.info.Codec = connect.CodecNameProto
	header.CopyHints(m.info.RequestHeader(), hints)
	return m
}

// answer gives the handler's headers and trailers to the RPC.
// It is called once, before the RPC returns.
func (m *metadata) answer() {
	if m.outer == nil {
		return
	}
	header.CopyAnswer(m.outer.ResponseHeader(), m.info.ResponseHeader())
	header.CopyAnswer(m.outer.ResponseTrailer(), m.info.ResponseTrailer())
}
