package main

// client is a program or library of somebody else's.
type client struct {
	name   string
	about  string          // what it is and where it comes from
	ask    asker           // asks everything that it can
	cannot map[cell]string // why a cell cannot exist for it
}

const (
	noGroup   = "it makes one call at a time"
	noHeaders = "tried with the libraries alone"
	noUpload  = "a browser sends a request as a whole"
	codesOnly = "it counts codes and prints no more"
)

var (
	ofTools = map[cell]string{together: noGroup, bigHeader: noHeaders}
	ofWeb   = map[cell]string{clientStream: noUpload, bidi: noUpload, bigHeader: "a browser opens its connections itself"}
)

// clients are the rows of the page.
var clients = []client{
	{name: "grpc-go", about: "google.golang.org/grpc, as pinned in internal/clienttest/go.mod", ask: askGRPCGo},
	{name: "python3-grpcio", about: "Debian's package", ask: script("/usr/bin/python3", "python/client.py")},
	{name: "ruby-grpc", about: "Debian's package", ask: script("/usr/bin/ruby", "ruby/client.rb")},
	{name: "grpc-js", about: "npm, @grpc/grpc-js", ask: script("node", "node/grpc-js.mjs")},
	{name: "connect-node", about: "npm, @connectrpc/connect-node, the Connect protocol over HTTP/2", ask: script("node", "node/connect-node.mjs", "connect")},
	{name: "connect-node, gRPC", about: "the same with the gRPC protocol", ask: script("node", "node/connect-node.mjs", "grpc")},
	{name: "connect-node, gRPC-Web", about: "the same with the gRPC-Web protocol", ask: script("node", "node/connect-node.mjs", "grpc-web")},
	{name: "grpc-web, binary", about: "npm, Google's grpc-web, `mode=grpcweb`", ask: script("node", "node/grpc-web.mjs", "binary"),
		cannot: with(ofWeb, serverStream, "Google's client streams in text mode only")},
	{name: "grpc-web, text", about: "npm, Google's grpc-web, `mode=grpcwebtext`", ask: script("node", "node/grpc-web.mjs", "text"), cannot: ofWeb},
	{name: "grpcurl", about: "as pinned in tools/go.mod", ask: askGrpcurl, cannot: ofTools},
	{name: "buf curl, gRPC", about: "as pinned in tools/go.mod", ask: askBufCurl("grpc"), cannot: ofTools},
	{name: "buf curl, Connect", about: "the same with the Connect protocol", ask: askBufCurl("connect"), cannot: ofTools},
	{name: "ghz", about: "as pinned in tools/go.mod", ask: askGhz,
		cannot: map[cell]string{metadata: codesOnly, details: codesOnly, bigHeader: noHeaders}},
	{name: "h2load", about: "Debian's nghttp2-client, unary Connect calls in JSON", ask: askH2load, cannot: map[cell]string{
		serverStream: "it knows requests and answers, no messages", clientStream: "it knows requests and answers, no messages",
		bidi: "it knows requests and answers, no messages", metadata: codesOnly, details: codesOnly, bigHeader: noHeaders,
	}},
}

// with is reasons and one more.
func with(reasons map[cell]string, c cell, reason string) map[cell]string {
	all := map[cell]string{c: reason}
	for other, why := range reasons {
		all[other] = why
	}
	return all
}

// excuse says why a cell cannot be on a way, or "".
func (c client) excuse(about cell, w way) string {
	if reason := c.cannot[about]; reason != "" {
		return reason
	}
	return w.proxy.excuse(about)
}
