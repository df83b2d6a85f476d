// Package authn is how the callers of a collector prove who they are. The packages beneath it have an access.Authenticator
// for each kind of credential; a program imports those that it takes:
//
//   - certificate: the client certificate of the connection, whose URI names a user, a service or a collector.
//   - token: a JWT after "Authorization: Bearer", of an issuer whose keys are found by OIDC discovery or read from a file.
//   - apikey: a key in the header X-Api-Key, whose hash is in a file.
//   - socket: the process at the other end of a unix socket, as the kernel knows it.
//
// Words used here:
//
//   - A credential is what a caller shows. Where nothing of a kind is shown, its authenticator knows nobody, and without any
//     the caller is anonymous.
//   - A credential that does not hold is refused, by [Refuse], and never taken for none: who shows one does not want to be
//     anonymous, and would be told "not allowed" where "expired" is the truth.
//
// Names of principals are disjoint by their form, so that nobody becomes another by showing another kind of credential: of
// certificates NAME, of tokens ALIAS|SUBJECT, of API keys key:NAME, of the socket uid:NAME.
package authn
