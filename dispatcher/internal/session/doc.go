// Package session logs browsers in to the console: an operator asks for a link, the browser that opens it first gets a session.
//
//	login     a right to one session, of the principal that asked for it; its token is in the link, and is good for one use
//	session   what a browser has afterwards: a cookie that scripts cannot read, and a key that cookies do not carry
//	key       the other half of a session: the console keeps it for its origin and sends it as a header
//
// # States
//
//	login:    issued ──redeemed──▶ (session)        session:  open ──logged out──▶ gone
//	             └──10 min, or 64 newer──▶ gone                └──idle, too old, or 256 used later──▶ gone
//
// # What a session proves
//
// Browsers send the cookies of a host to all of its ports, so the cookie alone would be worth as much to any other server on this
// machine. The key goes in the fragment of the redirect, which no server sees, and the console keeps it in the storage of its
// origin, which has a port. A request has the session's principal if it brings both and comes from a page of its own origin;
// otherwise it is judged as if it had none. [Sessions.Handler] takes both off every request, so that no handler and no peer
// sees them.
//
// Everything is in memory, by the SHA-256 of the secret: sessions end with the process. What they may do is decided anew for each
// call, by the policy of that moment.
package session
