// Package memnet is a network in memory for tests: connections with bounded buffers, deadlines and faults that take no
// port and no kernel, so that they work in a testing/synctest bubble.
//
// A Conn behaves like a TCP connection: what is written is buffered until the other end reads it, a full buffer holds
// the writer up, and both directions are independent. It can also fail the way networks do: see [Conn.Silence].
package memnet
