// Package pki makes the certificates of a mesh: an authority in a directory, and what it issues.
//
// # Words
//
//	authority    who signs: a certificate that every collector trusts, and a key that none of them needs
//	subject      whom a certificate names: a collector, a user or a service, by the URI spiffe://DOMAIN/KIND/ID
//	trust domain the DOMAIN of a mesh. An authority issues for one
//	pair         a certificate and its key, in files of their own
//
// # The directory
//
//	ca.crt                  the authority's certificate: goes to every machine
//	authority/ca.key        the authority's key: stays where certificates are issued, best on no collector at all
//	collectors/ID.crt .key  a collector's pair: goes to its machine
//	users/ID.crt .key       a user's
//	services/ID.crt .key    a service's
//
// Whoever copies the files of a directory and of one collector has no key of anybody else: the authority's is a level below.
//
// # What is issued
//
// Keys are ECDSA on P-256, which every TLS library has, those of browsers and gRPC included; Ed25519 would be faster to
// sign and no browser takes it. Each certificate has a key of its own, a random serial of 128 bits, and begins five minutes
// in the past, for machines whose clocks are behind. The authority is good for ten years, what it issues for 90 days unless
// told otherwise, and never for longer than the authority. Nothing that is there is overwritten unless that is asked for.
package pki
