package mesh

import (
	"strings"

	"connectrpc.com/connect/v2"
)

// Route tells where a call went. It is shared by calls and must not be changed.
type Route struct {
	// Executor is the id of the collector that ran the call, or that refused to.
	Executor string
	// Route is the ids of the collectors that the call visited, the asked one first.
	Route []string

	executor, route []string // as values of headers
}

// NewRoute is the route of a call that visited these collectors, one or more, and was run by the last.
func NewRoute(visited ...string) *Route {
	executor := visited[len(visited)-1]
	return &Route{
		Executor: executor, Route: visited,
		executor: []string{executor}, route: []string{JoinRoute(visited)},
	}
}

// Tag writes the route into the headers of an answer. It does not allocate for a route of [NewRoute].
func (r *Route) Tag(answer *connect.Header) {
	answer.SetValues(HeaderExecutor, r.executor)
	answer.SetValues(HeaderRoute, r.route)
}

// JoinRoute writes the ids of a route as [HeaderRoute] has them.
func JoinRoute(visited []string) string { return strings.Join(visited, ",") }
