// Package token takes a caller for whom a bearer token says that it is: a JWT of an issuer that is trusted, sent as
// "Authorization: Bearer TOKEN".
//
// Words used here:
//
//   - An [Issuer] signs tokens. Its keys are found by OIDC discovery, or read from a JWKS file.
//   - A key set is the public keys of an issuer at one time. A key ring holds the last one that was read, and reads again:
//     when a token names a key that it has not, when the set is 15 minutes old, and never more than once in 10 seconds.
//   - A verified token is remembered by its SHA-256, never by itself, until it expires or the keys of its issuer change.
//
// A token is judged in this order, and the first that does not hold is the reason of the refusal:
//
//	size        at most 8 KiB                                            token_too_large
//	form        a signed JWT in compact form, of type JWT or at+jwt      token_malformed
//	algorithm   RS, PS, ES 256/384/512 or EdDSA; never none, never HMAC  token_algorithm
//	issuer      one that is configured                                   token_issuer
//	keys        the issuer's have been read                              keys_unavailable
//	signature   of a key that fits key id, type and algorithm            token_signature
//	exp         there is one, and it is not over                         token_malformed, token_expired
//	audience    one that is configured                                   token_audience
//	nbf, iat    not in the future                                        token_not_yet_valid
//	subject     there is one, and groups are within bounds               token_malformed
//
// Times may be off by a leeway of one minute. What is said of times names the difference of the clocks where it is known: the
// answers of the issuer have its own time.
//
// A key ring is in one of these states; each change is logged once and can be seen in [Authenticator.Lines]:
//
//	no keys --read--> current --cannot be read--> kept --read--> current
//	no keys: every token is refused with keys_unavailable. kept: the last known set goes on, new keys are refused.
package token
