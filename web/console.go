package web

import (
	"bytes"
	"cmp"
	"net/http"
	"strings"

	"github.com/collectiverpc/collective/mesh"
)

// policy lets the page run its own scripts and talk to its own origin, nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// console serves the built files, and index.html for every page.
type console struct {
	config Config
	files  map[string]*file
	page   []byte // index.html with the base path and the mode filled in: they differ between the consoles of a process
}

func newConsole(config Config) (*console, error) {
	files, err := builtFiles()
	if err != nil {
		return nil, err
	}
	page := bytes.ReplaceAll(files[index].content, []byte("{{base}}"), []byte(config.Prefix+config.Base))
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
		if !strings.HasPrefix(r.URL.Path, c.config.Base) {
			next.ServeHTTP(w, r)
			return
		}
		if r.Method == http.MethodGet && r.URL.Query().Has(mesh.LoginToken) {
			next.ServeHTTP(w, login(r)) // which redirects here, without the token
			return
		}
		c.ServeHTTP(w, r)
	})
}

// login is the request of a link that logs in, as the collector takes it.
func login(r *http.Request) *http.Request {
	asked, query := r.Clone(r.Context()), r.URL.Query()
	query.Set(mesh.LoginPage, r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:])
	asked.URL.Path, asked.URL.RawPath, asked.URL.RawQuery = mesh.LoginPath, "", query.Encode()
	return asked
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
	if file, ok := c.files[name]; ok && name != index {
		file.ServeHTTP(w, r)
		return
	}
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-cache")
	_, _ = w.Write(c.page) // a browser that is gone needs no answer
}

func wantsPage(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }
