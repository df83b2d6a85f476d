// Package digest hashes credentials.
//
// A digest is the SHA-256 of one: what is remembered of a credential, in place of it. Whoever reads the memory of this
// process finds nothing by which to log in.
package digest
