package remote

import (
	"context"
	"slices"
	"strings"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/mesh"
)

// header is one -H.
type header struct{ name, value string }

// valid tells what HTTP can send.
func (h header) valid() bool {
	notToken := func(r rune) bool {
		return r > '~' || !strings.ContainsRune("!#$%&'*+-.^_`|~", r) && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z')
	}
	notValue := func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
	return h.name != "" && !strings.ContainsFunc(h.name, notToken) && !strings.ContainsFunc(h.value, notValue)
}

// reserved refuses what would be dropped or overwritten on its way without a word.
func (h header) reserved() error {
	name := strings.ToLower(h.name)
	switch name {
	case strings.ToLower(mesh.HeaderNamespace):
		return failure.Usagef("-H %s: --ns NAMESPACE says it", h.name)
	case strings.ToLower(mesh.HeaderTarget):
		return failure.Usagef("-H %s: --to COLLECTOR says it", h.name)
	}
	if slices.Contains(transportHeaders, name) || strings.HasPrefix(name, "connect-") || strings.HasPrefix(name, strings.ToLower(mesh.HeaderPrefix)) {
		return failure.Usagef("-H %s: the protocol writes this header itself", h.name)
	}
	return nil
}

// transportHeaders are those of HTTP and of the RPC protocols.
var transportHeaders = []string{
	"accept-encoding", "connection", "content-encoding", "content-length", "content-type", "grpc-accept-encoding",
	"grpc-encoding", "grpc-timeout", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
}

// parseHeaders reads the values of -H. Its errors quote none: most of them are secrets.
func parseHeaders(texts []string) ([]header, error) {
	var list []header
	for _, text := range texts {
		name, value, found := strings.Cut(text, ":")
		h := header{strings.TrimSpace(name), strings.TrimSpace(value)}
		if !found {
			return nil, failure.Usagef("-H: there is no colon in what is given, want 'Name: value'")
		}
		if !h.valid() {
			return nil, failure.Usagef("-H %.80q: its name or its value has characters that no header can have, want 'Name: value'", h.name+": …")
		}
		if err := h.reserved(); err != nil {
			return nil, err
		}
		list = append(list, h)
	}
	return list, nil
}

// HeaderName is the name in a value of -H.
func HeaderName(text string) string {
	name, _, _ := strings.Cut(text, ":")
	return strings.TrimSpace(name)
}

// headerMap is headers as the metadata of a method; nil for none. Of two with one name the last one wins.
func headerMap(headers []header) map[string]string {
	if len(headers) == 0 {
		return nil
	}
	metadata := make(map[string]string, len(headers))
	for _, h := range headers {
		metadata[h.name] = h.value
	}
	return metadata
}

// addHeaders puts headers on every request.
func addHeaders(headers []header) connect.ClientInterceptor {
	return func(next connect.ClientFunc) connect.ClientFunc {
		return func(ctx context.Context, spec connect.Spec) (connect.ClientStream, error) {
			if info, ok := connect.CallInfoForClientContext(ctx); ok {
				for _, h := range headers {
					info.RequestHeader().Add(h.name, h.value)
				}
			}
			return next(ctx, spec)
		}
	}
}
