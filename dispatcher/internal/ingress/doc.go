// Package ingress is everything between net/http and a call: what a collector takes at its port, and how it refuses the
// rest in the form that the client of each protocol reads.
//
//   - A [Port] is that of one collector. It makes the HTTP server, bounds connections, headers and bodies by its [Limits],
//     and answers a [refusal.Refusal] before there is a call.
//   - [Port.Watch] is the outermost handler: it watches exchanges (package exchange), so that no client is waited for too long.
//   - [Port.Listener] gives connections places (package place), and the server has those of HTTP/2 under a meter (package flood).
//   - [CheckProtocol], [Port.BoundHeaders] and [Port.GuardBody] look at a request on its way in. What its messages hold is taken
//     from one budget (package held), and how long they become without gzip is bounded (package inflate).
//   - [CORS] and [WebText] are handlers around all others: pages of other origins, and gRPC-Web as base64.
//   - A [Mux] is where connecthttp mounts handlers, and [CutNamespace] reads the paths of the native one.
//   - A [WebStream] is the stream of a call of gRPC-Web.
//
// Nothing here knows where a call goes.
package ingress
