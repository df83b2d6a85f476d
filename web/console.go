package web

import (
	"bytes"
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strings"
)

//go:embed dist
var dist embed.FS

// Mode is what browsers may do with a collector.
type Mode string

// Full lets browsers call methods and change connections; ReadOnly lets them look; Off shows no console. The zero Mode is
// Full for what arrives on a loopback address, and Off for everything else.
const (
	Full     Mode = "full"
	ReadOnly Mode = "readonly"
	Off      Mode = "off"
)

// Config says how the console is served. The zero Config is safe: give it to dispatcher.WithConsole, and the collector
// shows its console to browsers on the same machine at /console/.
type Config struct {
	// Base is the path the console is mounted at, with a slash at both ends. Default "/console/".
	Base string
	// Prefix is the path below which browsers see the collector, as behind a reverse proxy: letters, digits and -._~ between
	// slashes, none at the end. Requests must come without it, as from [http.StripPrefix]. Default "".
	Prefix string
	// Mode defaults to Full on loopback addresses and Off beyond them: anyone on the network could use it there, so it must be
	// asked for.
	Mode Mode
	// Hosts are names by which browsers may address this collector beside loopback ones, without port. A console beyond
	// loopback, or behind a proxy that passes the Host header on, needs at least one. Default none.
	Hosts []string
}

func (c Config) withDefaults() Config {
	if c.Base == "" {
		c.Base = "/console/"
	}
	return c
}

// check reports everything that is wrong at once.
func (c Config) check() error {
	var problems []error
	if !strings.HasPrefix(c.Base, "/") || !strings.HasSuffix(c.Base, "/") || c.Base == "/" {
		problems = append(problems, fmt.Errorf("console: Base %q: want a path between slashes, such as /console/", c.Base))
	}
	if !prefix.MatchString(c.Prefix) {
		problems = append(problems, fmt.Errorf("console: Prefix %q: want a path such as /tools/mesh, without a slash at its end", c.Prefix))
	}
	if !slices.Contains([]Mode{"", Full, ReadOnly, Off}, c.Mode) {
		problems = append(problems, fmt.Errorf("console: Mode %q: want %s, %s or %s", c.Mode, Full, ReadOnly, Off))
	}
	return errors.Join(problems...)
}

// prefix is a path whose segments need no escaping in a page.
var prefix = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)*$`)

// policy lets the page run its own scripts and talk to its own origin, nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

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
	case asked || arrivedOnLoopback(r):
		f.guarded.ServeHTTP(w, r)
	case f.config.Mode == "" && strings.HasPrefix(r.URL.Path, f.config.Base):
		http.Error(w, "refused: the console of this collector is for its own machine; to show it on the network, set Mode and Hosts of web.Config",
			http.StatusForbidden)
	default:
		f.open.ServeHTTP(w, r)
	}
}

// arrivedOnLoopback goes by the socket of the server, not by anything that the client says.
func arrivedOnLoopback(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return false
	}
	address, err := netip.ParseAddrPort(local.String())
	return err == nil && address.Addr().Unmap().IsLoopback()
}

func wantsPage(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }

// console serves the built files, and index.html for every page.
type console struct {
	config Config
	files  fs.FS
	page   []byte
}

func newConsole(config Config) (*console, error) {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil, err
	}
	page, err := fs.ReadFile(files, "index.html")
	if err != nil {
		return nil, err
	}
	page = bytes.ReplaceAll(page, []byte("{{base}}"), []byte(config.Prefix+config.Base))
	page = bytes.ReplaceAll(page, []byte("{{mode}}"), []byte(cmp.Or(config.Mode, Full)))
	return &console{config: config, files: files, page: page}, nil
}

// before serves the console under its base path, and everything else by next.
func (c *console) before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path+"/" == c.config.Base || r.URL.Path == "/" && r.Method == http.MethodGet && wantsPage(r) {
			http.Redirect(w, r, c.config.Prefix+c.config.Base, http.StatusFound)
			return
		}
		if strings.HasPrefix(r.URL.Path, c.config.Base) {
			c.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (c *console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.Error(w, "the console is read with GET", http.StatusMethodNotAllowed)
		return
	}
	header := w.Header()
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	name := strings.TrimPrefix(r.URL.Path, c.config.Base)
	if path.Ext(name) != "" && !strings.Contains(name, "/") && c.serveFile(w, r, name) {
		return
	}
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-cache")
	_, _ = w.Write(c.page) // a browser that is gone needs no answer
}

// serveFile sends a built file, compressed if the browser takes that. Names have a hash, so they may be kept for good.
func (c *console) serveFile(w http.ResponseWriter, r *http.Request, name string) bool {
	kind := mime.TypeByExtension(path.Ext(name))
	if name == "index.html" || kind == "" {
		return false
	}
	packed := strings.Contains(r.Header.Get("Accept-Encoding"), "gzip")
	file := name
	if packed {
		file += ".gz"
	}
	content, err := fs.ReadFile(c.files, file)
	if err != nil {
		return false
	}
	if packed {
		w.Header().Set("Content-Encoding", "gzip")
	}
	w.Header().Set("Vary", "Accept-Encoding")
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(content)
	return true
}
