package web

import (
	"errors"
	"net/http"
	"strings"

	"github.com/collectiverpc/collective/internal/origin"
)

// Mount puts the console in front of what a collector serves: everything under the base path is the console, everything
// else is next's. It is what dispatcher.WithConsole calls, and what a program calls whose handlers are around those of
// the collector.
//
// Requests that a browser makes for somebody else are refused: those of a page of another site, whatever their method, and
// those for a name that was made to point here (DNS rebinding). Programs that are no browsers pass; they send neither
// Origin nor Sec-Fetch-Site, and anything but a GET of theirs is not looked at. Pages of origins, which are those that
// the collector itself was given by dispatcher.WithCORSOrigins, pass to everything but the console. In mode ReadOnly
// browsers are also refused what they could change or call: everything but the console's own reading. A console that is
// off guards what arrives on loopback, where a page of any site can reach it, and nothing else.
//
// The error names everything that is wrong with the configuration and the origins.
func (c Config) Mount(next http.Handler, origins []string) (http.Handler, error) {
	c = c.withDefaults()
	guard, invalid := newGuard(c, origins)
	if err := errors.Join(c.check(), invalid); err != nil {
		return nil, err
	}
	guard.next = next
	if c.Mode != Off {
		console, err := newConsole(c)
		if err != nil {
			return nil, err
		}
		guard.next = console.before(next)
	}
	return &front{config: c, guarded: guard, open: next}, nil
}

// front decides by where a request arrived whether the console is there for it.
type front struct {
	config        Config
	guarded, open http.Handler
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	asked := f.config.Mode == Full || f.config.Mode == ReadOnly
	switch {
	case asked || origin.ArrivedOnLoopback(r):
		f.guarded.ServeHTTP(w, r)
	case f.config.Mode == "" && strings.HasPrefix(r.URL.Path, f.config.Base):
		http.Error(w, "refused: the console of this collector is for its own machine; to show it on the network, set Mode and Hosts of web.Config",
			http.StatusForbidden)
	default:
		f.open.ServeHTTP(w, r)
	}
}
