// Package identity tells which collector the other end of a connection has proved to be.
//
// # Words
//
//	claimed   what a collector says that its id is
//	proven    what its certificate says, as TLS has verified it. Empty while no proof is wanted
//	way       what the connection itself tells: whether it leaves the machine, what binds a proof to it, when it expires
//	expected  the collector that must prove itself wherever a dial leads
package identity
