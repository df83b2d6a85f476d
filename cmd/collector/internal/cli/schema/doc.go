// Package schema reads and writes messages by the descriptors that a collector tells, and shows what they declare.
//
// # Words
//
//	set       the descriptors of one collector, or of several joined
//	untyped   a handler of the seed's kind, of which there is no descriptor
//	symbol    a service, method, message, enum or extension by its name
package schema
