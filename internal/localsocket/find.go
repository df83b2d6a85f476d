package localsocket

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"

	"github.com/collectiverpc/collective/access"
)

// PeerFromContext is who sent a request over a socket of this package; false for a request that came over anything else. It is
// read from the address of the connection, as http.Server puts it into the context of a request.
func PeerFromContext(ctx context.Context) (*access.SocketPeer, bool) {
	address, ok := ctx.Value(http.LocalAddrContextKey).(*Addr)
	if !ok {
		return nil, false
	}
	return address.peer, true
}

// Find returns the path of the socket of the collector that host:port means on this machine, of this user, or "" where there is
// none or where more than one collector may be meant. host is an address of loopback, an unspecified one or localhost: others are
// asked over the network. It does not connect.
func Find(env Getenv, host, port string) string {
	found := make(map[string]string) // by name, the first place of each
	for _, dir := range places(env) {
		if checkDirectory(dir) != nil {
			continue
		}
		for _, name := range namesOf(host) {
			path := filepath.Join(dir, name+"@"+port+suffix)
			if found[name] == "" && len(path) <= LongestPath && checkSocket(path) == nil {
				found[name] = path
			}
		}
	}
	if len(found) != 1 {
		return ""
	}
	for _, path := range found {
		return path
	}
	return ""
}

// Check refuses a socket that the user named and that could be somebody else's.
func Check(path string) error { return checkSocket(path) }

// namesOf are the hosts that a collector may listen at that is reached at host; none if that is another machine.
func namesOf(host string) []string {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return []string{"127.0.0.1", "::1", "0.0.0.0", "::"}
	}
	address, err := netip.ParseAddr(host)
	address = address.Unmap()
	switch {
	case err != nil:
		return nil
	case address.IsUnspecified():
		return []string{"127.0.0.1", "::1", "0.0.0.0", "::"}
	case address.IsLoopback() && address.Is4():
		return []string{address.String(), "0.0.0.0", "::"}
	case address.IsLoopback():
		return []string{"::1", "::"}
	}
	return nil
}

// Dial connects to a socket. It is for the DialContext of an HTTP client.
func Dial(ctx context.Context, path string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "unix", path)
}
