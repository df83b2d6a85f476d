// Package dial reaches other collectors: the byte stream of a link over either carrier, and HTTP/2 for the contract of the
// seed. Every way refuses plaintext beyond loopback, unless that is allowed, and asks for the same proof of who is there.
//
// # Words
//
//	carrier  how the stream of a link is opened, see package carrier
//	way      what the connection tells that a dial has made, see package identity
package dial
