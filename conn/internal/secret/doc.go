// Package secret reads the mesh secret: what the collectors of a mesh, and nobody else, know.
//
// # Words
//
//	mesh secret  at least 32 random bytes, in base64. A link is made only with an end that knows one of those that this end
//	             knows; a proof shows that without showing the secret
//	file         a secret in each line, the newest first; empty lines and those that begin with # do not count
//	rotation     a new secret goes first and the one before it stays second, until every collector has the new one
//
// A file is read again when it has changed, so that a rotation needs no restart. One that cannot be used then leaves the
// secrets of before in force: a slip of an editor must not open a mesh, or take it apart.
//
// What is read is never part of an error, of a log line or of anything else that is printed.
package secret
