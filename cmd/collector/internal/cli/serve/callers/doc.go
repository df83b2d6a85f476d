// Package callers has the flags of serve that say who callers are and what they may do, and makes the guard of them.
//
// A credential is looked for in this order, and the first that is shown decides: a token, an API key, a certificate, the
// socket. What somebody sends on purpose comes before what the connection has anyway.
package callers
