package remote

import (
	"context"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/internal/localsocket"
)

// socketScheme begins an address that is the path of a unix socket.
const socketScheme = "unix:"

// socketHost is what requests over a socket name that the user has named; a collector takes any name there.
const socketHost = "collector.localhost"

// reach is the way to a collector.
type reach struct {
	base   *url.URL // as people know it
	asked  *url.URL // as requests name it
	socket string   // the path of the unix socket that they go over; empty for the network
}

// findWay finds the way to a server. One on this machine is asked over the socket of the user, if there is one and the user shows no
// credentials, which would be for somebody else.
func findWay(ctx context.Context, server string, showsCredentials bool) (reach, error) {
	if path, ok := strings.CutPrefix(server, socketScheme); ok {
		return reachSocket(strings.TrimPrefix(path, "//"))
	}
	base, err := ParseServer(server)
	if err != nil {
		return reach{}, err
	}
	way := reach{base: base, asked: base}
	host, port, err := net.SplitHostPort(hostPort(base))
	if err != nil || !isThisMachine(host) || showsCredentials {
		return way, nil //nolint:nilerr // whoever dials will say what is wrong with it
	}
	path := localsocket.Find(os.Getenv, host, port)
	if path == "" || !answers(ctx, path) {
		return way, nil
	}
	plain := *base
	plain.Scheme = "http"
	way.asked, way.socket = &plain, path
	return way, nil
}

func reachSocket(path string) (reach, error) {
	if err := localsocket.Check(path); err != nil {
		return reach{}, failure.Usagef("--server %s%s: %v", socketScheme, path, err).Hint("the log of the collector says at --log-level debug where its socket is")
	}
	base := &url.URL{Scheme: "http", Host: socketHost}
	return reach{base: base, asked: base, socket: path}, nil
}

// answers reports whether somebody listens at a socket: one of a process that was killed stays.
func answers(ctx context.Context, path string) bool {
	dialed, err := localsocket.Dial(ctx, path)
	if err != nil {
		return false
	}
	return dialed.Close() == nil
}

// dialer is how requests get to the collector; heard notes what it says first.
func (r reach) dialer(heard *firstBytes) func(ctx context.Context, network, address string) (net.Conn, error) {
	if r.socket == "" {
		return heard.dial
	}
	return func(ctx context.Context, _, address string) (net.Conn, error) {
		dialed, err := localsocket.Dial(ctx, r.socket)
		return heard.record(dialed, err, address)
	}
}

// String is the address as people know it.
func (r reach) String() string {
	if r.base.Host == socketHost {
		return socketScheme + r.socket
	}
	return r.base.String()
}
