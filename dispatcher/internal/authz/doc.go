// Package authz finds who calls, at every entrance, and asks the guard of the collector what they may do.
//
//	caller       a principal and where its call entered, see package access
//	credentials  what a request or its connection shows: headers, a certificate, who is at the other end of a unix socket
//	right        the action of package access that an RPC of the collector's own asks for
//	refusal      what a caller without the right is told
//
// [Authorizer.OfRequest] makes the caller of a request over HTTP, [Authorizer.OfLink] that of a call which a peer brings,
// [Authorizer.OfConsumer] that of a program that has dialled, and [Authorizer.Process] is the program itself. Nothing that a
// client can put into a header makes it another one but credentials, of which each kind may come once. Where a proxy says
// that a request comes from is never read: what comes by a proxy is the proxy's.
//
// [Authorizer.Call] decides a call of a method, and [Authorizer.Service] an RPC of the collector's own, by one table; both
// before a message of it is decoded, but for the few whose right is in the message. What has no row in the table needs
// operate.
//
// What a caller is told names the caller and what was asked for. Which policy decided is for those who may observe: it goes
// to history, tap and ExplainRoute.
package authz
