package dispatcher

import (
	"slices"
)

// WithCORSOrigins lets web pages of these origins, as browsers send them (https://app.example, http://localhost:5173),
// call methods of the mesh with Connect or gRPC-Web. They may set Authorization, Collective-Namespace and
// Collective-Target beside what the protocols need, and read who ran a call. Cookies are never asked for, and
// connections are not changed from such pages. A page of any other origin, except the collector's own, is refused whatever
// the method, and so is one at a name that was made to point at this collector, see [WithHosts].
//
// Default: none; pages of other origins are then refused.
func WithCORSOrigins(origins ...string) Option {
	return optionFunc(func(o *options) { o.origins = slices.Concat(o.origins, origins) })
}
