package dispatcher

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/collectiverpc/collective/dispatcher/internal/ingress"
)

// Console is the pages that a collector shows to browsers on its own port. web.Config is one; a program that never names
// package web has none of its files.
type Console interface {
	// Mount returns what is served in place of next: the console where it is, next everywhere else. origins are those of
	// [WithCORSOrigins]. [New] calls it once, and fails with its error.
	Mount(next http.Handler, origins []string) (http.Handler, error)
}

// WithConsole shows a console in [Dispatcher.Handler], and so in [Dispatcher.ListenAndServe]:
//
//	dispatcher.New(id, address, namespaces, dispatcher.WithConsole(web.Config{}))
//
// The zero web.Config shows it at /console/ to browsers on the same machine, and refuses what pages of other sites make a
// browser send to any path of the port. Default: none; requests of browsers are then not looked at, but for
// [WithCORSOrigins].
func WithConsole(console Console) Option {
	return optionFunc(func(o *options) { o.console = console })
}

// newFront is everything that is served on the port: the console, then CORS, then gRPC-Web as text, then the collector.
func (d *Dispatcher) newFront() (http.Handler, error) {
	front := ingress.WebText(http.HandlerFunc(d.serveHTTP))
	if len(d.options.origins) > 0 {
		front = ingress.CORS(front, d.options.origins, d.pages)
	}
	if d.options.console == nil {
		return front, nil
	}
	front, err := d.options.console.Mount(front, d.options.origins)
	if err == nil && front == nil {
		err = errors.New("its Mount returned no handler")
	}
	if err != nil {
		return nil, fmt.Errorf("dispatcher.WithConsole: %w", err)
	}
	return front, nil
}
