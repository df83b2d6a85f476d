package host

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/collectiverpc/collective/conn/carrier"
)

// basePath is a path whose segments need no escaping, in a URL or in a page.
var basePath = regexp.MustCompile(`^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$`)

// checkBasePath refuses paths that would hide those a collector has anyway.
func (c *Config) checkBasePath() error {
	first, _, _ := strings.Cut(strings.TrimPrefix(c.BasePath, "/"), "/")
	switch {
	case c.BasePath == "":
		return nil
	case !basePath.MatchString(c.BasePath):
		return refusedf("--base-path %q: want a path such as /tools/mesh, of letters, digits and -._~", c.BasePath)
	case first == "ns" || "/"+first+"/" == consolePath:
		return refusedf("--base-path %q: /%s/ is the collector's own, take another one", c.BasePath, first)
	}
	return nil
}

// below serves under a path what next serves without it. Links are left out: through a proxy every machine looks like the
// proxy's own, and those who may link know the collector's address.
func below(base string, next http.Handler) http.Handler {
	if base == "" {
		return next
	}
	stripped := http.StripPrefix(base, next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rest, found := strings.CutPrefix(r.URL.Path, base)
		switch {
		case !found || rest != "" && rest[0] != '/':
			next.ServeHTTP(w, r)
		case rest == "":
			http.Redirect(w, r, base+"/", http.StatusFound)
		case rest == carrier.UpgradePath || rest == carrier.CarryPath:
			http.NotFound(w, r)
		default:
			stripped.ServeHTTP(w, r)
		}
	})
}
