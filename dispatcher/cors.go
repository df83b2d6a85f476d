package dispatcher

import (
	"net/http"
	"slices"

	connectcors "connectrpc.com/cors"
	"github.com/rs/cors"

	"github.com/collectiverpc/collective/internal/origin"
	"github.com/collectiverpc/collective/mesh"
)

// preflightSeconds is how long browsers may remember that a page may call. Chromium remembers no longer.
const preflightSeconds = 7200

// WithCORSOrigins lets web pages of these origins, as browsers send them (https://app.example, http://localhost:5173),
// call methods of the mesh with Connect or gRPC-Web. They may set Authorization, Collective-Namespace and
// Collective-Target beside what the protocols need, and read who ran a call. Cookies are never asked for, and
// connections are not changed from such pages. A page of any other origin, except the collector's own, is refused whatever
// the method. A name that was made to point at this collector is not: that is for the console, which knows its names, see
// [WithConsole].
//
// Default: none; browsers then let no page of another origin read an answer.
func WithCORSOrigins(origins ...string) Option {
	return optionFunc(func(o *options) { o.origins = slices.Concat(o.origins, origins) })
}

// withCORS answers preflights and keeps away the pages that are not listed, which CORS alone would only keep from
// reading answers.
func withCORS(next http.Handler, origins []string, pages *origin.Pages) http.Handler {
	policy := cors.New(cors.Options{
		AllowedOrigins:      origins,
		AllowedMethods:      connectcors.AllowedMethods(),
		AllowedHeaders:      append(connectcors.AllowedHeaders(), headerAuthorization, mesh.HeaderNamespace, mesh.HeaderTarget),
		ExposedHeaders:      append(connectcors.ExposedHeaders(), mesh.HeaderExecutor, mesh.HeaderRoute, mesh.HeaderReason),
		AllowPrivateNetwork: true,
		MaxAge:              preflightSeconds,
	})
	return policy.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := pages.Check(r); err != nil {
			http.Error(w, "403: a page of an origin that is not listed asks; list it with WithCORSOrigins, or with "+
				"collector serve --cors-origin ("+err.Error()+")", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	}))
}
