package ingress

import (
	"net/http"
	"time"

	connectcors "connectrpc.com/cors"
	"github.com/rs/cors"

	"github.com/collectiverpc/collective/internal/origin"
	"github.com/collectiverpc/collective/mesh"
)

// PreflightAge is how long browsers may remember that a page may call. Chromium remembers no longer.
const PreflightAge = 2 * time.Hour

// CORS answers preflights of the pages of origins, of which there must be one, and keeps away the pages that are not
// listed, which the protocol alone would only keep from reading answers.
func CORS(next http.Handler, origins []string, pages *origin.Pages) http.Handler {
	policy := cors.New(cors.Options{
		AllowedOrigins:      origins, // an empty list would be that of all
		AllowedMethods:      connectcors.AllowedMethods(),
		AllowedHeaders:      append(connectcors.AllowedHeaders(), "Authorization", mesh.HeaderNamespace, mesh.HeaderTarget),
		ExposedHeaders:      append(connectcors.ExposedHeaders(), mesh.HeaderExecutor, mesh.HeaderRoute, mesh.HeaderReason),
		AllowPrivateNetwork: true,
		MaxAge:              int(PreflightAge.Seconds()),
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
