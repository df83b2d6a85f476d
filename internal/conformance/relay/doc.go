// Package relay is the far end of a client under test: a collector whose ConformanceService passes every call on to the
// suite's reference server. Which server that is, and how to speak to it, comes with the call in a header of its own.
package relay
