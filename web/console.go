package web

import (
	"bytes"
	"embed"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed dist
var dist embed.FS

// Mode is what browsers may do.
type Mode string

// Full lets browsers call methods and change connections; ReadOnly lets them look.
const (
	Full     Mode = "full"
	ReadOnly Mode = "readonly"
)

// Config says how the console is served.
type Config struct {
	// Base is the path the console is mounted at, with a slash at both ends. Default "/console/".
	Base string
	// Prefix is the path below which browsers see the collector, as behind a reverse proxy: letters, digits and -._~ between
	// slashes, none at the end. Requests must come without it, as from [http.StripPrefix]. Default "".
	Prefix string
	// Mode defaults to Full.
	Mode Mode
	// Hosts are names by which browsers may address this collector beside loopback ones, without port.
	Hosts []string
	// Origins are those of other pages that may call methods, in every mode. They must be the ones that the collector
	// itself was given, with dispatcher.WithCORSOrigins.
	Origins []string
}

func (c Config) withDefaults() Config {
	if c.Base == "" {
		c.Base = "/console/"
	}
	if c.Mode == "" {
		c.Mode = Full
	}
	return c
}

// policy lets the page run its own scripts and talk to its own origin, nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Mount adds the console to what a collector serves: everything under the base path is the console, everything else is
// next's, and [Guard] is around both.
func Mount(next http.Handler, config Config) (http.Handler, error) {
	config = config.withDefaults()
	console, err := newConsole(config)
	if err != nil {
		return nil, err
	}
	both := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path+"/" == config.Base || r.URL.Path == "/" && r.Method == http.MethodGet && wantsPage(r) {
			http.Redirect(w, r, config.Prefix+config.Base, http.StatusFound)
			return
		}
		if strings.HasPrefix(r.URL.Path, config.Base) {
			console.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
	return Guard(both, config)
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
	page = bytes.ReplaceAll(page, []byte("{{mode}}"), []byte(config.Mode))
	return &console{config: config, files: files, page: page}, nil
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
