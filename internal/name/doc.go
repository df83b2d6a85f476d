// Package name holds the grammar of the names that collectors exchange.
//
//	collector id   [A-Za-z0-9_]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9_])?
//	namespace      as a collector id; `system`, `system.…`, `System_…` are reserved, in any case
//	service        identifiers joined by dots: `UserService`, `users.v1.UserService`
//	method         one identifier: `GetUser`
//	procedure      `/service/method`: `/users.v1.UserService/GetUser`
//	identifier     [A-Za-z_][A-Za-z0-9_]*
//
// A service name with a dot is a full name, one without is a short name (or the full name of a service that is in no
// package). Names are compared byte by byte; nothing is folded, trimmed or unescaped, so what policy checks is what
// the router uses. Whatever does not fit the grammar is refused, never repaired.
//
// There is one grammar for the names of this collector and for those of others. A namespace is shared only by two that
// spell it alike, so whatever a peer of the seed's contract may call its own has to be possible here as well.
//
// No function allocates unless it refuses.
package name
