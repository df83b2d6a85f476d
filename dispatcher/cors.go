package dispatcher

import (
	"slices"
)

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
