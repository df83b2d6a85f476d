// Package name holds the grammar of the names that collectors exchange.
//
//	collector id   [a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?
//	namespace      as a collector id; `system` and `system.…` are reserved
//	service        identifiers joined by dots: `UserService`, `users.v1.UserService`
//	method         one identifier: `GetUser`
//	procedure      `/service/method`: `/users.v1.UserService/GetUser`
//	identifier     [A-Za-z_][A-Za-z0-9_]*
//
// A service name with a dot is a full name, one without is a short name (or the full name of a service that is in no
// package). Names are compared byte by byte; nothing is folded, trimmed or unescaped, so what policy checks is what
// the router uses. Whatever does not fit the grammar is refused, never repaired.
//
// No function allocates unless it refuses.
package name
