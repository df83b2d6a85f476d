package header

import (
	"net/textproto"
	"slices"
	"strings"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/mesh"
)

// The headers that are a call's own and yet go to such peers only as may read them.
const (
	Authorization = "Authorization"
	Cookie        = "Cookie"
)

// Passes reports whether a header, by its canonical name, is a call's own and goes with it to the executor. What
// belongs to one connection, to one encoding of a message, to a protocol, to the mesh or to the browser at its entrance
// does not, name by name: whatever else there is may be an application's, as Grpc-Trace-Bin is. A name with underscores
// goes unless it would not with dashes, for which proxies may take them.
func Passes(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer",
		"Transfer-Encoding", "Upgrade", "Http2-Settings", "Host", "Date", // of one connection
		"Content-Length", "Content-Type", "Content-Encoding", "Accept", "Accept-Encoding", "Accept-Post", "Vary", "X-Grpc-Web", // of one encoding
		"Connect-Protocol-Version", "Connect-Timeout-Ms", "Connect-Content-Encoding", "Connect-Accept-Encoding", // of Connect
		"Grpc-Timeout", "Grpc-Encoding", "Grpc-Accept-Encoding", "Grpc-Message-Type", "Grpc-Status", "Grpc-Message",
		"Grpc-Status-Details-Bin",              // of gRPC
		"Idempotency-Key", "X-Idempotency-Key": // net/http repeats a POST by itself when it sees one of these
		return false
	}
	if strings.HasPrefix(name, mesh.HeaderPrefix) || strings.HasPrefix(name, "Access-Control-") {
		return false
	}
	return !strings.ContainsRune(name, '_') || Passes(spelled(name))
}

// spelled is a canonical name as proxies spell it that take underscores for dashes.
func spelled(name string) string {
	if !strings.ContainsRune(name, '_') {
		return name
	}
	return textproto.CanonicalMIMEHeaderKey(strings.ReplaceAll(name, "_", "-"))
}

// share sets values that both headers have from now on; appending to one of them makes a copy.
func share(to *connect.Header, name string, values []string) { to.SetValues(name, slices.Clip(values)) }

// CopyRequest gives the request headers of a call from one collector's entrance to a call on a handler, which shares the
// values. cookie and authorization tell whether those may go there.
func CopyRequest(to, from *connect.Header, authorization, cookie bool) {
	named := connectionNames(from)
	for name, values := range from.All() {
		switch {
		case !Passes(name), slices.Contains(named, name):
		case name == Authorization && !authorization, name == Cookie && !cookie:
		default:
			share(to, name, values)
		}
	}
}

// DropReserved takes the headers of the mesh, which may be forged, out of what a handler here gets.
func DropReserved(h *connect.Header) {
	for name := range h.All() {
		if strings.HasPrefix(name, mesh.HeaderPrefix) {
			h.Delete(name)
		}
	}
}

// connectionNames are the headers that the Connection header declares to be of that connection.
func connectionNames(h *connect.Header) []string {
	var names []string
	for _, value := range h.Values("Connection") {
		for name := range strings.SplitSeq(value, ",") {
			names = append(names, textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name)))
		}
	}
	return names
}

// CopyHints copies headers that arrive as a map in an envelope. They are of the caller, so the same names are dropped.
func CopyHints(to *connect.Header, hints map[string]string) {
	for name, value := range hints {
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		if Passes(canonical) && validHeader(canonical, value) {
			to.Set(canonical, value)
		}
	}
}

// validHeader reports whether HTTP can carry a header. Those that come over HTTP were checked by it.
func validHeader(name, value string) bool {
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r) }) {
		return false
	}
	return !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}

// Mirror sets in one what another has, without sharing the values.
func Mirror(to, from *connect.Header) {
	for name, values := range from.All() {
		to.SetValues(name, slices.Clone(values))
	}
}
